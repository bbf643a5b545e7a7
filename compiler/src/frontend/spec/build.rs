//! From parts and numbers to the graph that an exporter would write.

use crate::error::Result;
use crate::frontend::spec::layers::{Part, Role, Unit, parts};
use crate::frontend::spec::weights::{Padding, Source, Style, UnitNumbers};
use crate::frontend::spec::{Spec, Weights, fault};
use crate::ir::{
    BatchNorm, Binary, Clamp, Conv, Gemm, Graph, NodeId, Op, Output, Reduce, Reducer, Tensor,
    Values,
};

/// The whole network: input `input`, answer `logits`, every node named after its layer.
pub(super) fn graph(spec: &Spec, weights: Weights<'_>) -> Result<Graph> {
    let mut source = Source::open(weights)?;
    let style = source.style();
    let mut graph = Graph::default();
    graph.name = spec.name.clone();
    graph.notes.push(style.note.into());
    let shape = [1, spec.channels_in, spec.resolution, spec.resolution];
    let mut x = graph.add_input("input", Tensor::f32(shape));
    for (index, part) in parts(spec).iter().enumerate() {
        x = add_part(&mut graph, x, part, source.part(index, part)?, style)?;
    }
    let node = add_classifier(&mut graph, x, spec.classes, source)?;
    let name = "logits".into();
    graph.outputs.push(Output { name, node });
    Ok(graph)
}

fn add_part(
    graph: &mut Graph,
    input: NodeId,
    part: &Part,
    numbers: Vec<UnitNumbers>,
    style: Style,
) -> Result<NodeId> {
    let mut x = input;
    for (unit, numbers) in part.units.iter().zip(numbers) {
        x = add_unit(graph, x, &unit.name(part), unit, numbers, style)?;
    }
    if part.residual {
        let name = format!("{}.add", part.name);
        x = add(graph, name, Op::Binary(Binary::Add), &[input, x])?;
    }
    Ok(x)
}

/// Convolution, norm, and a clamp unless the unit is linear.
fn add_unit(
    graph: &mut Graph,
    x: NodeId,
    name: &str,
    unit: &Unit,
    numbers: UnitNumbers,
    style: Style,
) -> Result<NodeId> {
    let weight =
        graph.add_const(format!("{name}.weight"), unit.shape(), Values::F32(numbers.weight));
    let side = graph.node(x).out.shape[2];
    let conv = Conv {
        kernel: [unit.kernel; 2],
        stride: [unit.stride; 2],
        dilation: [1, 1],
        pads: pads(style.padding, side, unit),
        group: unit.group(),
        clamp: Clamp::NONE,
        activation: None,
    };
    let x = add(graph, name.into(), Op::Conv(conv), &[x, weight])?;
    let statistics = ["weight", "bias", "running_mean", "running_var"];
    let mut operands = vec![x];
    for (what, values) in statistics.iter().zip(numbers.norm) {
        operands.push(graph.add_const(
            format!("{name}.bn.{what}"),
            [unit.c_out],
            Values::F32(values),
        ));
    }
    let epsilon = style.epsilon;
    let x = add(graph, format!("{name}.bn"), Op::BatchNorm(BatchNorm { epsilon }), &operands)?;
    match unit.role {
        Role::Project => Ok(x),
        Role::Alone | Role::Expand | Role::Depthwise => {
            add(graph, format!("{name}.relu6"), Op::Clamp(Clamp::RELU6), &[x])
        }
    }
}

/// Rows above, columns left, rows below, columns right; images are square.
fn pads(padding: Padding, side: usize, unit: &Unit) -> [usize; 4] {
    let (before, after) = match padding {
        Padding::Symmetric => (unit.kernel / 2, unit.kernel / 2),
        Padding::Same => {
            let covered = (side.div_ceil(unit.stride) - 1) * unit.stride + unit.kernel;
            let both = covered.saturating_sub(side);
            (both / 2, both - both / 2)
        }
    };
    [before, before, after, after]
}

/// Mean over the image, then the dense layer.
fn add_classifier(
    graph: &mut Graph,
    x: NodeId,
    classes: usize,
    source: Source<'_>,
) -> Result<NodeId> {
    let c = graph.node(x).out.shape[1];
    let [weight, bias] = source.classifier(classes, c)?;
    let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2, 3] });
    let pooled = graph.add("pool", mean, Tensor::f32([1, c, 1, 1]), &[x]);
    let flat = graph.add("flatten", Op::Reshape, Tensor::f32([1, c]), &[pooled]);
    let weight = graph.add_const("classifier.weight", [classes, c], Values::F32(weight));
    let bias = graph.add_const("classifier.bias", [classes], Values::F32(bias));
    let gemm = Gemm { alpha: 1.0, beta: 1.0, transpose_a: false, transpose_b: true };
    add(graph, "classifier".into(), Op::Gemm(gemm), &[flat, weight, bias])
}

fn add(graph: &mut Graph, name: String, op: Op, operands: &[NodeId]) -> Result<NodeId> {
    let shapes: Vec<&[usize]> =
        operands.iter().map(|id| graph.node(*id).out.shape.as_slice()).collect();
    let shape = op.shape(&shapes).or_else(|what| fault(format!("{name}: {what}")))?;
    let out = Tensor::f32(shape.expect("these operators have shapes of their own"));
    Ok(graph.add(name, op, out, operands))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interp::{self, Array};
    use crate::ir::verify::verify;
    use crate::testing::random_inputs;

    fn drawn(spec: &Spec) -> Graph {
        graph(spec, Weights::Random { seed: 1 }).expect("random weights fit")
    }

    #[test]
    fn the_papers_networks_have_the_papers_counts() {
        let full = drawn(&Spec::mobilenet_v2(1.0, 224));
        assert_eq!((full.total_madds(), full.params()), (300_774_272, 3_504_872));
        let small = drawn(&Spec::mobilenet_v2(0.35, 96));
        assert_eq!(small.total_madds(), 11_934_128);
        assert_eq!((verify(&full), verify(&small)), (vec![], vec![]));
    }

    #[test]
    fn nodes_are_named_after_their_layers() {
        let graph = drawn(&Spec::mobilenet_v2(0.35, 32));
        let text = graph.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "%1 conv \"stem\" x=%0 w=f32[16,3,3,3] k3x3 s2 p0/0/1/1 -> f32[1,16,16,16]"
        );
        assert!(lines[3].starts_with("%3 clamp \"stem.relu6\" x=%2 0..6"));
        for name in [
            "block1.depthwise",
            "block2.expand.bn",
            "block3.add",
            "block17.project",
            "head",
            "pool",
        ] {
            assert!(text.contains(&format!(" {name:?} ")), "{name} in\n{text}");
        }
        assert!(!text.contains("block18") && !text.contains("block1.expand"));
        assert!(text.ends_with("output \"logits\" = %152\n"), "{text}");
    }

    #[test]
    fn same_padding_depends_on_the_size_and_symmetric_padding_does_not() {
        let unit = |stride| Unit { role: Role::Alone, kernel: 3, stride, c_in: 8, c_out: 8 };
        assert_eq!(pads(Padding::Same, 112, &unit(2)), [0, 0, 1, 1]);
        assert_eq!(pads(Padding::Same, 7, &unit(2)), [1, 1, 1, 1]);
        assert_eq!(pads(Padding::Same, 112, &unit(1)), [1, 1, 1, 1]);
        assert_eq!(pads(Padding::Symmetric, 112, &unit(2)), [1, 1, 1, 1]);
    }

    #[test]
    fn random_weights_keep_every_norm_near_unit_deviation() {
        let mut graph = drawn(&Spec::mobilenet_v2(0.35, 64));
        let norms: Vec<NodeId> = graph
            .ids()
            .into_iter()
            .filter(|id| matches!(graph.node(*id).op, Op::BatchNorm(_)))
            .collect();
        graph.outputs =
            norms.iter().map(|node| Output { name: String::new(), node: *node }).collect();
        let answers = interp::run(&graph, &random_inputs(&graph, 1)).expect("the graph runs");
        for (id, answer) in norms.iter().zip(answers) {
            let (mean, deviation) = moments(answer.values.as_f32().expect("floats"));
            let name = &graph.node(*id).name;
            assert!(
                mean.abs() < 0.6 && (0.5..2.0).contains(&deviation),
                "{name}: {mean} {deviation}"
            );
        }
    }

    #[test]
    fn random_weights_tell_inputs_apart() {
        let graph = drawn(&Spec::mobilenet_v2(0.35, 64));
        let answer = |seed| {
            let answers =
                interp::run(&graph, &random_inputs(&graph, seed)).expect("the graph runs");
            answers[0].values.as_f32().expect("floats").to_vec()
        };
        let (a, b) = (answer(1), answer(2));
        let apart: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        assert!((0.3..5.0).contains(&moments(&a).1), "{:?}", moments(&a));
        assert!(moments(&apart).1 > 0.05, "{:?}", moments(&apart));
    }

    fn moments(x: &[f32]) -> (f32, f32) {
        let mean = x.iter().sum::<f32>() / x.len() as f32;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / x.len() as f32;
        (mean, variance.sqrt())
    }

    #[test]
    fn other_tables_make_networks_too() {
        let table = [
            "32^2 x 3   conv2d        - 8  1 2",
            "16^2 x 8   conv2d 1x1    - 16 2 1",
            "16^2 x 16  bottleneck    3 16 2 1",
            "16^2 x 16  avgpool 16x16 - -  - -",
            "1x1x16     conv2d 1x1    - 5  - -",
        ];
        let table = table.join("\n");
        let graph = drawn(&Spec::parse(&table).expect("the table is sound"));
        assert_eq!(verify(&graph), []);
        let text = graph.to_string();
        assert!(
            ["stem", "conv1", "conv2", "block1.add", "block2.add"]
                .iter()
                .all(|name| text.contains(&format!(" {name:?} "))),
            "{text}"
        );
        let picture = Array::f32([1, 3, 32, 32], vec![0.5; 3 * 32 * 32]);
        let answers = interp::run(&graph, &[picture]).expect("the graph runs");
        assert_eq!(answers[0].shape, [1, 5]);
    }
}
