//! Emitted programs that are given pictures as cameras give them and tell what programs ask: they answer as the oracle
//! does for the network and the picture that was read.

#[path = "emitted/build.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod build;
#[path = "memory/poison.rs"]
mod poison;

use build::{Crate, MAIN_HEAD, compile_for};
use mnv2c::frontend::spec::{self, Spec};
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Affine, Bounds, Clamp, Conv, Dtype, Graph, Op, Output, QConv, Quant, Requant};
use mnv2c::ir::{Tensor, To, Values};
use mnv2c::model_io::{Answer, Format, ModelIo, Picture};
use mnv2c::objective::{Feed, Memory, Objective};
use mnv2c::target::Target;
use mnv2c::{Options, testing};

const FORMATS: [Format; 3] = [Format::BytesNhwc, Format::FloatsNchw, Format::FloatsNhwc];
const FEEDS: [Feed; 3] = [Feed::Caller, Feed::Arena, Feed::Rows];

/// A MobileNetV2 whose stem pads.
fn mobilenet() -> Graph {
    let spec = Spec::parse("mobilenet_v2:0.1@32").unwrap();
    spec::graph(&spec, spec::Weights::Random { seed: 3 }).unwrap()
}

/// A convolution that pads an oblong picture on all sides, and its sums.
fn oblong(shape: [usize; 4], channels: usize, stride: usize) -> Graph {
    let mut graph = Graph::default();
    let x = graph.add_input("x", Tensor::f32(shape));
    let w: Vec<f32> = (0..5 * channels * 9).map(|at| ((at * 7) % 11) as f32 / 11.0 - 0.4).collect();
    let w = graph.add_const("w", [5, channels, 3, 3], Values::F32(w));
    let [_, _, h, ow] = shape;
    let conv = Conv {
        kernel: [3, 3],
        stride: [stride; 2],
        dilation: [1, 1],
        pads: [1, 2, 1, 1],
        group: 1,
        clamp: Clamp::NONE,
        activation: None,
    };
    let out = [1, 5, (h - 1) / stride + 1, ow / stride + 1];
    let conv = graph.add("conv", Op::Conv(conv), Tensor::f32(out), &[x, w]);
    graph.outputs.push(Output { name: "y".into(), node: conv });
    graph
}

/// A quantised network with a second convolution.
fn quantised(channels: usize) -> Graph {
    let mut graph = Graph::default();
    let bytes = |shape| Tensor { dtype: Dtype::U8, ..Tensor::f32(shape) };
    let to = Affine { scale: 0.0186, zero: 114 };
    let x = graph.add_input("x", Tensor::f32([1, channels, 17, 13]));
    let x = graph.add("q", Op::Quant(Quant::Quantize(to)), bytes([1, channels, 17, 13]), &[x]);
    let mut conv = |x, inputs: usize, window: [usize; 2], out| {
        let [k, stride] = window;
        let w = (0..6 * inputs * k * k).map(|at| (at * 89 % 255) as u8 as i8).collect();
        let w = graph.add_const("w", [6, inputs, k, k], Values::I8(w));
        let (kernel, stride, pads) = ([k; 2], [stride; 2], [k / 2; 4]);
        let conv = Conv {
            kernel,
            stride,
            dilation: [1, 1],
            pads,
            group: 1,
            clamp: Clamp::NONE,
            activation: None,
        };
        let to = To::Bytes { zero: 114, bounds: Bounds::ALL };
        let requant = Requant::new(vec![0.002; 6], to);
        let conv = QConv { conv, x_zero: 114, requant, residual: None };
        graph.add("conv", Op::Quant(Quant::Conv(conv)), bytes(out), &[x, w])
    };
    let x = conv(x, channels, [3, 2], [1, 6, 9, 7]);
    let x = conv(x, 6, [1, 1], [1, 6, 9, 7]);
    let y = graph.add("y", Op::Quant(Quant::Dequantize(to)), Tensor::f32([1, 6, 9, 7]), &[x]);
    graph.outputs.push(Output { name: "y".into(), node: y });
    graph
}

/// A network whose first operator is no convolution.
fn clamped() -> Graph {
    let mut graph = Graph::default();
    let x = graph.add_input("x", Tensor::f32([1, 4, 6, 3]));
    let y = graph.add("y", Op::Clamp(Clamp::RELU), Tensor::f32([1, 4, 6, 3]), &[x]);
    graph.outputs.push(Output { name: "y".into(), node: y });
    graph
}

fn picture(format: Format) -> Picture {
    let (white, bgr) = if format == Format::FloatsNhwc { (255.0, false) } else { (1.0, true) };
    let mean = [0.485, 0.456, 0.406].map(|mean| mean * white).to_vec();
    let deviation = [0.229, 0.224, 0.225].map(|deviation| deviation * white).to_vec();
    Picture { format, white, mean, deviation, bgr }
}

/// A network that takes `picture`, what it is given, and what the network as read answers to that.
fn fitted(network: &Graph, picture: &Picture) -> (Graph, Vec<Array>, Vec<Array>) {
    let mut graph = network.clone();
    let ends = ModelIo { picture: Some(picture.clone()), answer: Answer::Raw };
    ends.fit(&mut graph).unwrap();
    let inputs = testing::random_inputs(&graph, 9);
    let expected = interp::run(&graph, &inputs).unwrap();
    (graph, inputs, expected)
}

/// A module `name`, and the statements of `main` that ask it for `x` what `check` says.
fn add_told(nets: &mut Crate, name: &str, graph: Graph, x: &Array, check: &str) -> String {
    nets.add(name, graph, &Target::host());
    let floats = x.values.as_f32().unwrap();
    nets.put(
        &format!("{name}.x"),
        &floats.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>(),
    );
    format!(
        "    {{\n        #[path = \"{name}.rs\"]\n        mod net;
        let mut arena = Box::new(net::Arena::new());
        let x = floats(\"{name}.x\");
        let x = x[..].try_into().unwrap();
        {check}\n    }}\n"
    )
}

#[test]
fn pictures_of_every_format_are_read_in_any_memory() {
    let mut nets = Crate::new("pictures");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    let networks = [
        ("mobilenet", mobilenet()),
        ("wide", oblong([1, 3, 5, 9], 3, 1)),
        ("strided", oblong([1, 3, 9, 7], 3, 2)),
    ];
    for (name, network) in &networks {
        // The larger network shows in floats nothing that the small ones do not.
        let formats = if *name == "mobilenet" { &FORMATS[..1] } else { &FORMATS };
        for (number, format) in formats.iter().enumerate() {
            let (graph, inputs, expected) = fitted(network, &picture(*format));
            for feed in FEEDS {
                for objective in [Objective::Speed, Objective::Ram] {
                    let memory = Memory { objective, feed, ..Memory::default() };
                    let name = format!("{name}_{number}_{feed:?}_{objective}").to_lowercase();
                    main += &poison::case(&mut nets, &name, &graph, memory, &inputs, &expected);
                }
            }
        }
    }
    poison::all_right(&nets.run(&(main + "}\n")));
}

#[test]
fn bytes_are_looked_up_on_their_way_into_a_network_on_bytes() {
    let mut nets = Crate::new("looked_up");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    let grey = Picture { mean: vec![125.0], ..Picture::plain(Format::BytesNhwc) };
    // Whole steps of a unit from 114 on: the picture's bytes are those of the network.
    let same = Picture { mean: vec![114.0 * 0.0186], white: 255.0 * 0.0186, ..grey.clone() };
    for (name, channels, picture) in
        [("colours", 3, picture(Format::BytesNhwc)), ("grey", 1, grey), ("same", 3, same)]
    {
        let (graph, inputs, expected) = fitted(&quantised(channels), &picture);
        for (feed, objective) in
            FEEDS.into_iter().zip([Objective::Speed, Objective::Ram].iter().cycle())
        {
            let memory = Memory { objective: *objective, feed, ..Memory::default() };
            let name = format!("{name}_{feed:?}_{objective}").to_lowercase();
            main += &poison::case(&mut nets, &name, &graph, memory, &inputs, &expected);
        }
        let tables = |graph: Graph| {
            let graph = compile_for(graph, &Target::host(), Memory::default(), "").graph;
            let convs = graph.ids().into_iter().filter(|id| graph.node(*id).op.conv().is_some());
            convs.filter(|id| graph.operand(*id, 4).is_some()).count()
        };
        assert_eq!(tables(graph), usize::from(name != "same"), "{name}");
    }
    poison::all_right(&nets.run(&(main + "}\n")));
}

#[test]
fn bytes_cost_a_network_on_bytes_no_memory() {
    let network = quantised(3);
    let (given, ..) = fitted(&network, &picture(Format::BytesNhwc));
    for objective in [Objective::Speed, Objective::Ram] {
        for feed in [Feed::Caller, Feed::Rows] {
            let arena = |graph: &Graph| {
                let memory = Memory { objective, feed, ..Memory::default() };
                compile_for(graph.clone(), &Target::host(), memory, "").plan.arena_len
            };
            let (bytes, floats) = (arena(&given), arena(&network));
            assert!(bytes <= floats, "{objective} {feed:?}: {bytes} > {floats}");
        }
    }
}

#[test]
fn bytes_are_scaled_at_the_boundary_where_no_convolution_is_first() {
    let mut nets = Crate::new("boundary");
    let mut main = format!("{}{MAIN_HEAD}", poison::GUARDED);
    for feed in [Feed::Caller, Feed::Arena] {
        let (graph, inputs, expected) = fitted(&clamped(), &picture(Format::BytesNhwc));
        let memory = Memory { feed, ..Memory::default() };
        let name = format!("clamped_{feed:?}").to_lowercase();
        main += &poison::case(&mut nets, &name, &graph, memory, &inputs, &expected);
    }
    poison::all_right(&nets.run(&(main + "}\n")));
}

#[test]
fn bytes_cost_no_pass_over_the_picture_and_no_memory() {
    let ram = |network: &Graph, feed| {
        let memory = Memory { feed, objective: Objective::Ram, ..Memory::default() };
        compile_for(network.clone(), &Target::host(), memory, "").plan.arena_len
    };
    let network = mobilenet();
    let (bytes, ..) = fitted(&network, &picture(Format::BytesNhwc));
    assert_eq!(ram(&bytes, Feed::Rows), ram(&network, Feed::Rows));
    assert!(ram(&bytes, Feed::Arena) <= ram(&network, Feed::Arena));
    let artifact = compile_for(bytes, &Target::host(), Memory::default(), "");
    let plain = compile_for(network, &Target::host(), Memory::default(), "");
    assert_eq!(artifact.schedule.steps.len(), plain.schedule.steps.len());
    assert_eq!(artifact.schedule.steps[0].stages.len(), plain.schedule.steps[0].stages.len());
}

#[test]
fn what_is_asked_is_told() {
    let mut nets = Crate::new("answers");
    let (network, target) = (mobilenet(), Target::host());
    let inputs = testing::random_inputs(&network, 4);
    let output = interp::run(&network, &inputs).unwrap().swap_remove(0);
    let mut main = String::from(MAIN_HEAD);
    for answer in [Answer::Softmax, Answer::Argmax, Answer::Top5] {
        let told = answer.told(&network, &output);
        let mut graph = network.clone();
        ModelIo { picture: None, answer }.fit(&mut graph).unwrap();
        let name = answer.to_string();
        main += &match answer {
            Answer::Argmax => {
                let told = told.values.as_f32().unwrap()[0];
                let check = format!("assert_eq!(net::infer(&mut arena, x), {told} as usize);");
                add_told(&mut nets, &name, graph, &inputs[0], &check)
            }
            Answer::Top5 => {
                let pairs: Vec<(usize, f32)> = told
                    .values
                    .as_f32()
                    .unwrap()
                    .chunks(2)
                    .map(|pair| (pair[0] as usize, pair[1]))
                    .collect();
                let check = format!(
                    "let best: [(usize, f32); 5] = net::infer(&mut arena, x);
                     for (found, told) in best.iter().zip({pairs:?}) {{
                         assert_eq!(found.0, told.0);
                         assert!((found.1 - told.1).abs() < 1e-5 * told.1, \"{{best:?}}\");
                     }}"
                );
                add_told(&mut nets, &name, graph, &inputs[0], &check)
            }
            Answer::Softmax | Answer::Raw => {
                nets.add_case(&name, graph, &target, &inputs, std::slice::from_ref(&told))
            }
        };
        nets.check_format(&format!("{name}.rs"));
    }
    poison::all_right(&nets.run(&(main + "}\n")));
    nets.check_library(
        "#![no_std]\n#![deny(warnings)]\n//! A user's crate.\npub mod argmax;\npub mod top5;\n",
    );
}

#[test]
fn a_file_that_takes_bytes_is_formatted_and_warns_of_nothing() {
    let mut nets = Crate::new("bytes_format");
    let (graph, ..) = fitted(&mobilenet(), &picture(Format::BytesNhwc));
    for feed in FEEDS {
        let memory = Memory { feed, objective: Objective::Ram, ..Memory::default() };
        let artifact = compile_for(graph.clone(), &"x86-64-v3".parse().unwrap(), memory, "net.bin");
        nets.put("net.bin", &artifact.blob.file());
        nets.put("net.rs", artifact.rust.as_bytes());
        nets.check_format("net.rs");
        nets.check_library("#![no_std]\n#![deny(warnings)]\n//! A user's crate.\npub mod net;\n");
    }
}

#[test]
fn a_file_says_what_its_kernels_are_where_it_is_asked_to() {
    let mut nets = Crate::new("layers");
    let options = Options {
        target: "generic".parse().unwrap(),
        name: "net".into(),
        sha256: String::new(),
        blob_name: "net.bin".into(),
        memory: Memory::default(),
        layers: true,
        ends: ModelIo::default(),
    };
    let artifact = mnv2c::compile(mobilenet(), &options, |_, _, _| ()).unwrap();
    nets.put("net.bin", &artifact.blob.file());
    nets.put("net.rs", artifact.rust.as_bytes());
    nets.check_format("net.rs");
    let main = "mod net;
        fn main() {
            let madds: u64 = net::LAYERS.iter().map(|layer| layer.madds).sum();
            let bytes: usize = net::LAYERS.iter().map(|layer| layer.weights_bytes).sum();
            let last: &net::Layer = net::LAYERS.last().unwrap();
            println!(\"{} {bytes} {} {:?}\", madds == net::MADDS, last.kernel, last.shape);
        }";
    let said = nets.run(main);
    let floor = 4 * artifact.facts.params;
    let words: Vec<&str> = said.splitn(3, ' ').collect();
    assert_eq!((words[0], words[2].trim()), ("true", "dense [1, 1000]"), "{said}");
    assert!(words[1].parse::<u64>().unwrap() >= floor, "{said}: {floor} bytes of parameters");
}
