//! Bias correction: biases make up for the mean error of rounded weights.

use crate::ir::Graph;
use crate::quantize::choose::Choice;
use crate::quantize::equalize::Numbers;
use crate::quantize::observe::Seen;

/// Corrects every layer: the mean of what the weights lost, times the mean of what they read, goes into the bias.
pub(super) fn biases(graph: &Graph, seen: &Seen, choice: &mut Choice) {
    for (id, layer) in &mut choice.layers {
        let (Some(numbers), Some(x)) = (Numbers::read(graph, *id), graph.operand(*id, 0)) else {
            continue;
        };
        let Some(value) = seen.get(&x) else { continue };
        let Some(floats) = graph.constant_operand(*id, 1) else { continue };
        for (at, (w, q)) in floats.iter().zip(&layer.weights).enumerate() {
            let (input, output) = (numbers.input(at), numbers.output(at));
            let lost = f64::from(*w) - f64::from(*q) * f64::from(layer.scales[output]);
            let mean = value.channels.get(input).map_or(0.0, |channel| channel.mean());
            layer.bias[output] += lost * mean;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::fixture::{Net, same};
    use crate::quantize::choose::{Choice, Layer};
    use crate::quantize::observe;
    use crate::testing::random_inputs;

    #[test]
    fn a_corrected_layer_is_right_on_average() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let conv = net.conv(x, 3, same(1));
        let graph = net.answer(&[conv]);
        let images: Vec<_> = (0..3).flat_map(|seed| random_inputs(&graph, seed)).collect();
        let seen = observe::all(&graph, &images, |_| ()).unwrap();
        // Weights in steps of a quarter lose much.
        let floats = graph.constant_operand(conv, 1).unwrap();
        let weights: Vec<i8> = floats.iter().map(|w| (w * 4.0).floor() as i8).collect();
        let bias: Vec<f64> =
            graph.constant_operand(conv, 2).unwrap().iter().map(|b| f64::from(*b)).collect();
        let layer = Layer { weights: weights.clone(), scales: vec![0.25; 3], bias };
        let mut choice = Choice::default();
        choice.layers.insert(conv, layer);
        biases(&graph, &seen, &mut choice);
        for (m, channel) in seen[&conv].channels.iter().enumerate() {
            let products =
                (0..2).map(|c| f64::from(weights[m * 2 + c]) * 0.25 * seen[&x].channels[c].mean());
            let found = products.sum::<f64>() + choice.layers[&conv].bias[m];
            assert!((found - channel.mean()).abs() < 1e-5, "{found} {}", channel.mean());
        }
    }
}
