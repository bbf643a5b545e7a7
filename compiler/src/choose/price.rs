//! The error where no plan fits, with the recomputation that a fitting one would cost.

use crate::choose::cuts::{Aim, Cuts, Partition};
use crate::choose::{Choice, Network, TRIES, recompute};
use crate::error::mention::{given, option};
use crate::error::{Error, Result};
use crate::objective::{Feed, Recompute};
use crate::plan::Budget;

/// The planner's effort where a plan only appears in a message.
const QUICK: Budget = Budget { visits: 1 << 18 };

/// The error that `least` is the smallest arena, with the price of smaller ones.
pub(super) fn too_small(
    network: &Network<'_>,
    mut cuts: Cuts,
    limit: usize,
    least: &Choice,
) -> Result<Error> {
    let (smallest, madds) = (least.plan.arena_len, network.setting.graph.total_madds());
    let recompute = network.setting.memory.recompute;
    recompute::repeat(network, &mut cuts, u64::MAX, least.plan.arena_len)?;
    let offers = offers(network, &cuts, limit, smallest)?;
    let once = if recompute == Recompute::default() {
        "with every value computed once".to_owned()
    } else {
        format!("with {}", given("recompute", recompute))
    };
    let offer = |(again, bytes): &(u64, usize)| {
        format!("{} takes {bytes}", given("recompute", Recompute::allowing(*again, madds)))
    };
    let allow = given("ram", smallest);
    let remedy = match offers.as_slice() {
        [] => format!("recomputing more of them saves nothing: allow {allow}"),
        [fits] if fits.1 <= limit => format!("{} bytes: allow that", offer(fits)),
        offers => {
            let offers: Vec<String> = offers.iter().map(offer).collect();
            let offers = offers.join(" bytes, ");
            format!("{offers} bytes, and nothing takes less: allow {allow}")
        }
    };
    let limited = option("ram");
    let image = match network.setting.memory.feed {
        Feed::Arena => format!(", keep the image out of the arena with {},", given("feed", "rows")),
        Feed::Caller | Feed::Rows => String::new(),
    };
    Ok(Error::Spec(format!(
        "no plan fits {limit} bytes, the limit of {limited}: the smallest arena for this network takes {smallest} bytes {once}; {remedy}{image} or \
         take a smaller network"
    )))
}

/// Recomputed multiply-adds and the arena that they buy: the fewest that fit `limit` bytes, or else the fewest that save
/// anything and those that save most.
fn offers(
    network: &Network<'_>,
    cuts: &Cuts,
    limit: usize,
    smallest: usize,
) -> Result<Vec<(u64, usize)>> {
    let front = cuts.front(Aim::Bytes, u64::MAX);
    let arena = |partition: &Partition| -> Result<(u64, usize)> {
        let choice = network.planned_within(partition.segments.clone(), QUICK)?;
        Ok((partition.cost.recomputed, choice.plan.arena_len))
    };
    for partition in front.iter().filter(|it| it.cost.bytes <= limit).take(TRIES) {
        let offer = arena(partition)?;
        if offer.1 <= limit {
            return Ok(vec![offer]);
        }
    }
    let mut saving = front.iter().filter(|it| it.cost.bytes < smallest);
    let ends = [saving.next(), saving.next_back()].into_iter().flatten();
    let mut offers = ends.map(arena).collect::<Result<Vec<_>>>()?;
    offers.retain(|(_, bytes)| *bytes < smallest);
    offers.dedup();
    Ok(offers)
}
