//! The paper's rules: from rows to single convolutions with all their numbers.

use crate::error::Result;
use crate::frontend::spec::{Operator, Row, Spec, fault};
use crate::ir::infer::MAX_LEN;

/// Most convolutional layers and blocks, and most weights, of a network: far beyond any in use, and well within memory.
const MOST_PARTS: usize = 1000;
const MOST_WEIGHTS: u64 = 1 << 28;

/// A convolution or a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// `stem`, `block1`, ..., `head`; convolutions between are `conv1`, ...
    pub(super) name: String,
    /// In order.
    pub(super) units: Vec<Unit>,
    /// True if the input is added to the last unit's result.
    pub(super) residual: bool,
}

/// A convolution with its batch norm.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    pub(super) role: Role,
    /// Rows and columns of the window.
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) c_in: usize,
    pub(super) c_out: usize,
}

/// The role of a unit in its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The whole part.
    Alone,
    /// The 1x1 convolution that widens.
    Expand,
    /// One filter per channel.
    Depthwise,
    /// The 1x1 convolution that narrows; no clamp follows.
    Project,
}

impl Unit {
    /// The unit's own name within `part`.
    pub(super) fn name(&self, part: &Part) -> String {
        match self.role {
            Role::Alone => part.name.clone(),
            Role::Expand => format!("{}.expand", part.name),
            Role::Depthwise => format!("{}.depthwise", part.name),
            Role::Project => format!("{}.project", part.name),
        }
    }

    /// Shape of the weights.
    pub(super) fn shape(&self) -> [usize; 4] {
        [self.c_out, self.c_in / self.group(), self.kernel, self.kernel]
    }

    pub(super) fn group(&self) -> usize {
        match self.role {
            Role::Depthwise => self.c_in,
            Role::Alone | Role::Expand | Role::Project => 1,
        }
    }
}

/// Every part of a network whose rows have been checked.
pub(super) fn parts(spec: &Spec) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut c_in, mut blocks, mut convs) = (spec.channels_in, 0, 0);
    let layers: usize = spec.rows.iter().map(|row| row.n).sum();
    for (row, channels) in spec.rows.iter().zip(channels(spec)) {
        for i in 0..row.n {
            let stride = if i == 0 { row.s } else { 1 };
            let name = match row.operator {
                Operator::Bottleneck { .. } => numbered("block", &mut blocks),
                Operator::Conv3x3 | Operator::Conv1x1 if parts.is_empty() => "stem".into(),
                Operator::Conv3x3 | Operator::Conv1x1 if parts.len() + 1 == layers => "head".into(),
                Operator::Conv3x3 | Operator::Conv1x1 => numbered("conv", &mut convs),
            };
            let units = units(row.operator, stride, c_in, channels);
            let block = matches!(row.operator, Operator::Bottleneck { .. });
            let residual = block && stride == 1 && c_in == channels;
            parts.push(Part { name, units, residual });
            c_in = channels;
        }
    }
    parts
}

/// Refuses networks that no machine here would hold.
pub(super) fn check_size(spec: &Spec) -> Result<()> {
    let layers = spec.rows.iter().fold(0usize, |sum, row| sum.saturating_add(row.n));
    if layers > MOST_PARTS {
        return fault(format!("the rows make {layers} layers; {MOST_PARTS} is the limit"));
    }
    let mut side = spec.resolution;
    let mut weights = 0;
    for (row, part) in rows_of_parts(spec).zip(parts(spec)) {
        for unit in &part.units {
            side = side.div_ceil(unit.stride);
            weights += unit.shape().iter().map(|dim| *dim as u64).product::<u64>();
            if unit.c_out.saturating_mul(side * side) > MAX_LEN || weights > MOST_WEIGHTS {
                let (name, c) = (unit.name(&part), unit.c_out);
                return fault(format!(
                    "row {row}: {name} makes {c} channels of {side}x{side}; that is too large: \
                     lower c, t, width or resolution"
                ));
            }
        }
    }
    let features =
        parts(spec).last().map_or(0, |part| part.units.last().map_or(0, |unit| unit.c_out));
    if (features * spec.classes) as u64 > MOST_WEIGHTS {
        return fault(format!(
            "{} classes from {features} channels is too large: lower one of them",
            spec.classes
        ));
    }
    Ok(())
}

/// The number, from 1, of the row that each part comes from.
fn rows_of_parts(spec: &Spec) -> impl Iterator<Item = usize> {
    (1..).zip(&spec.rows).flat_map(|(number, row)| std::iter::repeat_n(number, row.n))
}

/// Channels of each row after the width multiplier, which does not shrink the last convolution.
fn channels(spec: &Spec) -> impl Iterator<Item = usize> {
    let last = spec.rows.len() - 1;
    let is_head =
        move |i: usize, row: &Row| i == last && i > 0 && row.operator == Operator::Conv1x1;
    spec.rows.iter().enumerate().map(move |(i, row)| {
        let width = if is_head(i, row) { spec.width.max(1.0) } else { spec.width };
        scaled(row.c, width)
    })
}

/// `c * width` to the nearest multiple of 8, at least 8, and never less than 90 % of it.
fn scaled(c: usize, width: f64) -> usize {
    let exact = c as f64 * width;
    let nearest = ((exact + 4.0) as usize / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * exact { nearest + 8 } else { nearest }
}

fn units(operator: Operator, stride: usize, c_in: usize, c_out: usize) -> Vec<Unit> {
    let unit = |role, kernel, stride, c_in, c_out| Unit { role, kernel, stride, c_in, c_out };
    match operator {
        Operator::Conv3x3 => vec![unit(Role::Alone, 3, stride, c_in, c_out)],
        Operator::Conv1x1 => vec![unit(Role::Alone, 1, stride, c_in, c_out)],
        Operator::Bottleneck { t } => {
            let wide = t * c_in;
            let expand = (t > 1).then(|| unit(Role::Expand, 1, 1, c_in, wide));
            let rest = [
                unit(Role::Depthwise, 3, stride, wide, wide),
                unit(Role::Project, 1, 1, wide, c_out),
            ];
            expand.into_iter().chain(rest).collect()
        }
    }
}

fn numbered(name: &str, count: &mut usize) -> String {
    *count += 1;
    format!("{name}{count}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_multiples_of_8_and_lose_no_tenth() {
        let of_width = |width| [16, 24, 32, 64, 96, 160, 320, 1280].map(|c| scaled(c, width));
        assert_eq!(of_width(1.0), [16, 24, 32, 64, 96, 160, 320, 1280]);
        assert_eq!(of_width(0.35), [8, 8, 16, 24, 32, 56, 112, 448]);
        assert_eq!(of_width(1.4), [24, 32, 48, 88, 136, 224, 448, 1792]);
        assert_eq!(scaled(1, 0.01), 8);
    }

    #[test]
    fn only_wider_networks_change_the_last_convolution() {
        let head =
            |width| parts(&Spec::mobilenet_v2(width, 224)).pop().map(|part| part.units[0].c_out);
        assert_eq!([head(0.35), head(1.0), head(1.4)], [Some(1280), Some(1280), Some(1792)]);
    }

    #[test]
    fn residuals_join_equal_shapes() {
        let parts = parts(&Spec::mobilenet_v2(1.0, 224));
        let joined: Vec<&str> =
            parts.iter().filter(|part| part.residual).map(|part| part.name.as_str()).collect();
        assert_eq!(
            joined,
            [
                "block3", "block5", "block6", "block8", "block9", "block10", "block12", "block13",
                "block15", "block16"
            ]
        );
        assert_eq!((parts.len(), parts[1].units.len(), parts[2].units.len()), (19, 2, 3));
    }

    #[test]
    fn networks_beyond_all_use_are_refused_by_row() {
        let with = |i: usize, row: Row| {
            let mut spec = Spec::mobilenet_v2(1.0, 224);
            spec.rows[i] = row;
            spec.to_toml()
        };
        let refusal = |text: String| Spec::parse(&text).unwrap_err().to_string();
        let operator = Operator::Bottleneck { t: 64 };
        let wide = refusal(with(2, Row { operator, c: 60_000, n: 2, s: 2 }));
        assert!(
            wide.starts_with(
                "network spec: row 3: block3.expand makes 3840000 channels of 56x56; "
            ),
            "{wide}"
        );
        let deep = refusal(with(2, Row { operator, c: 8, n: 1000, s: 2 }));
        assert_eq!(deep, "network spec: the rows make 1017 layers; 1000 is the limit");
    }
}
