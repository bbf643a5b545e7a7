//! Weights from a safetensors file. Every tensor must be there, fit, and belong to a layer.

use std::collections::BTreeSet;

use safetensors::{Dtype, SafeTensors};

use crate::alike::distance;
use crate::content;
use crate::error::{Error, Result};
use crate::frontend::spec::layers::{Part, Unit};
use crate::frontend::spec::names::Scheme;
use crate::frontend::spec::weights::{Padding, Style, UnitNumbers};

/// See the file's documentation.
pub(in crate::frontend::spec) struct Stored<'a> {
    file: SafeTensors<'a>,
    scheme: Scheme,
    taken: BTreeSet<String>,
}

impl<'a> Stored<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).or_else(|error| {
            let instead = content::instead(bytes).map(|what| format!(" but {what}"));
            let instead = instead.unwrap_or_else(|| format!(" ({error})"));
            fault(format!(
                "no safetensors file{instead}; save one with save_file(model.state_dict(), path)"
            ))
        })?;
        let scheme = Scheme::of(file.iter().map(|(name, _)| name));
        Ok(Self { file, scheme, taken: BTreeSet::new() })
    }

    pub(super) fn style(&self) -> Style {
        match self.scheme {
            Scheme::Ours => Style {
                padding: Padding::Same,
                epsilon: 1e-3,
                note: "windows of stride 2 are padded below and right, as TensorFlow's SAME",
            },
            Scheme::Torchvision => Style {
                padding: Padding::Symmetric,
                epsilon: 1e-5,
                note: "weights have torchvision's names: windows are padded by 1 on each side, \
                       epsilon is 1e-5",
            },
        }
    }

    pub(super) fn part(&mut self, index: usize, part: &Part) -> Result<Vec<UnitNumbers>> {
        let unit = |(i, unit): (usize, &Unit)| {
            let [weight, norm @ ..] = self.scheme.unit(index, part, i);
            let weight = self.take(weight, &unit.shape())?;
            let [scale, bias, mean, variance] = norm.map(|name| self.take(name, &[unit.c_out]));
            let norm = [scale?, bias?, mean?, variance?];
            Ok(UnitNumbers { weight, norm })
        };
        part.units.iter().enumerate().map(unit).collect()
    }

    pub(super) fn classifier(mut self, classes: usize, features: usize) -> Result<[Vec<f32>; 2]> {
        let [weight, bias] = self.scheme.classifier();
        let weight = self.take(weight, &[classes, features])?;
        let bias = self.take(bias, &[classes])?;
        self.refuse_strangers()?;
        Ok([weight, bias])
    }

    fn take(&mut self, name: String, shape: &[usize]) -> Result<Vec<f32>> {
        let Ok(tensor) = self.file.tensor(&name) else {
            return self.missing(&name, shape);
        };
        if tensor.shape() != shape {
            let found = tensor.shape();
            return fault(format!(
                "{name:?} has shape {found:?}, the spec makes it {shape:?}; \
                 use the spec it was trained with (width, classes, rows)"
            ));
        }
        let numbers = floats(tensor.dtype(), tensor.data());
        let Some(numbers) = numbers else {
            let dtype = tensor.dtype();
            return fault(format!("{name:?} holds {dtype:?}; save it as F32, F16 or BF16"));
        };
        self.taken.insert(name);
        Ok(numbers)
    }

    fn missing<T>(&self, name: &str, shape: &[usize]) -> Result<T> {
        let hint = match self.nearest(name) {
            Some(nearest) => {
                format!("the file has {nearest:?}: rename it, or use the spec it was trained with")
            }
            None => "the file is empty: save the whole state_dict".into(),
        };
        fault(format!("{name:?} of shape {shape:?} is missing; {hint}"))
    }

    fn nearest(&self, name: &str) -> Option<&str> {
        let names = self.file.iter().map(|(name, _)| name);
        let free = names.filter(|name| !self.taken.contains(*name));
        free.min_by_key(|other| (distance(other, name), *other))
    }

    fn refuse_strangers(&self) -> Result<()> {
        let unknown = |name: &&str| !self.taken.contains(*name) && !Scheme::ignores(name);
        let strangers: BTreeSet<&str> =
            self.file.iter().map(|(name, _)| name).filter(unknown).collect();
        let Some(first) = strangers.first() else {
            return Ok(());
        };
        let count = strangers.len();
        fault(format!(
            "{first:?} ({count} such) belongs to no layer of the spec; remove it, \
             or use the spec it was trained with"
        ))
    }
}

fn floats(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let pairs = || bytes.as_chunks().0.iter().copied();
    match dtype {
        Dtype::F32 => Some(bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect()),
        Dtype::F16 => Some(pairs().map(|b| half::f16::from_le_bytes(b).to_f32()).collect()),
        Dtype::BF16 => Some(pairs().map(|b| half::bf16::from_le_bytes(b).to_f32()).collect()),
        _ => None,
    }
}

fn fault<T>(what: String) -> Result<T> {
    Err(Error::Spec(format!("weights: {what}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use safetensors::tensor::TensorView;

    use super::*;
    use crate::frontend::spec::layers::parts;
    use crate::frontend::spec::{Spec, Weights, graph};
    use crate::ir::{Graph, Op};

    type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

    /// A network small enough to write out: a stem, a block without expansion, a block with, a head.
    fn spec() -> Spec {
        let table = [
            "16^2 x 3  conv2d      - 8  1 2",
            "8^2 x 8   bottleneck  1 8  1 1",
            "8^2 x 8   bottleneck  2 16 1 2",
            "4^2 x 16  conv2d 1x1  - 24 1 1",
            "4^2 x 24  avgpool 4x4 - -  - -",
            "1x1x24    conv2d 1x1  - 5  - -",
        ];
        Spec::parse(&table.join("\n")).expect("the table is sound")
    }

    /// Every tensor of the network, each number different from its neighbours.
    fn tensors(scheme: Scheme) -> Tensors {
        let mut shapes = Vec::new();
        for (index, part) in parts(&spec()).iter().enumerate() {
            for (i, unit) in part.units.iter().enumerate() {
                let [weight, norm @ ..] = scheme.unit(index, part, i);
                shapes.push((weight, unit.shape().to_vec()));
                shapes.extend(norm.map(|name| (name, vec![unit.c_out])));
            }
        }
        let [weight, bias] = scheme.classifier();
        shapes.extend([(weight, vec![5, 24]), (bias, vec![5])]);
        let numbered = shapes.into_iter().zip(1u8..).map(|((name, shape), first)| {
            let len = shape.iter().product::<usize>();
            let numbers = (0..len).map(|i| f32::from(first) + i as f32 / 1024.0).collect();
            (name, (shape, numbers))
        });
        numbered.collect()
    }

    fn file(tensors: &Tensors, dtype: Dtype) -> Vec<u8> {
        let encode = |x: &f32| match dtype {
            Dtype::F32 => x.to_le_bytes().to_vec(),
            Dtype::F16 => half::f16::from_f32(*x).to_le_bytes().to_vec(),
            Dtype::BF16 => half::bf16::from_f32(*x).to_le_bytes().to_vec(),
            _ => (*x as i64).to_le_bytes().to_vec(),
        };
        let bodies: Vec<Vec<u8>> = tensors
            .values()
            .map(|(_, numbers)| numbers.iter().flat_map(encode).collect())
            .collect();
        let views = tensors.iter().zip(&bodies).map(|((name, (shape, _)), body)| {
            (name, TensorView::new(dtype, shape.clone(), body).expect("the body fits the shape"))
        });
        safetensors::serialize(views, None).expect("the file is small")
    }

    fn read(tensors: &Tensors) -> crate::error::Result<Graph> {
        graph(&spec(), Weights::Safetensors(&file(tensors, Dtype::F32)))
    }

    fn refusal(change: impl FnOnce(&mut Tensors)) -> String {
        let mut tensors = tensors(Scheme::Ours);
        change(&mut tensors);
        read(&tensors).expect_err("the file is wrong").to_string()
    }

    #[test]
    fn tensors_reach_the_nodes_that_bear_their_names() {
        let tensors = tensors(Scheme::Ours);
        let graph = read(&tensors).expect("the file fits");
        let constants = graph.ids().into_iter().filter(|id| graph.constant(*id).is_some());
        let found: Tensors = constants
            .map(|id| {
                let numbers =
                    graph.constant(id).and_then(|values| values.as_f32()).expect("floats");
                let node = graph.node(id);
                (node.name.clone(), (node.out.shape.clone(), numbers.to_vec()))
            })
            .collect();
        assert_eq!(found, tensors);
    }

    #[test]
    fn torchvision_names_bring_torchvision_padding() {
        let mut named = tensors(Scheme::Torchvision);
        named.insert("features.0.1.num_batches_tracked".into(), (vec![], vec![7.0]));
        let pads = |graph: &Graph| {
            let nodes = graph.ids().into_iter().map(|id| graph.node(id).op.clone());
            nodes
                .filter_map(|op| if let Op::Conv(conv) = op { Some(conv.pads) } else { None })
                .next()
        };
        let (torchvision, ours) = (read(&named), read(&tensors(Scheme::Ours)));
        assert_eq!(torchvision.as_ref().map(pads).ok(), Some(Some([1; 4])));
        assert_eq!(ours.as_ref().map(pads).ok(), Some(Some([0, 0, 1, 1])));
        assert!(torchvision.expect("the file fits").to_string().contains("epsilon 0.00001"));
    }

    #[test]
    fn halves_are_widened() {
        for dtype in [Dtype::F16, Dtype::BF16] {
            let mut rounded = tensors(Scheme::Ours);
            rounded.values_mut().flat_map(|(_, numbers)| numbers).for_each(|x| *x = x.round());
            let wide = graph(&spec(), Weights::Safetensors(&file(&rounded, dtype)))
                .expect("the file fits");
            let narrow = read(&rounded).expect("the file fits");
            let numbers = |graph: &Graph| -> Vec<_> {
                graph.ids().into_iter().map(|id| graph.constant(id).cloned()).collect()
            };
            assert_eq!(numbers(&wide), numbers(&narrow));
        }
    }

    #[test]
    fn what_does_not_fit_is_named_with_the_remedy() {
        let missing = refusal(|tensors| {
            let tensor = tensors.remove("block2.expand.weight").expect("it is there");
            tensors.insert("block2.expnd.weight".into(), tensor);
        });
        assert_eq!(
            missing,
            "weights: \"block2.expand.weight\" of shape [16, 8, 1, 1] is missing; the file has \
             \"block2.expnd.weight\": rename it, or use the spec it was trained with"
        );
        let misshapen = refusal(|tensors| {
            tensors.insert("classifier.bias".into(), (vec![6], vec![0.0; 6]));
        });
        assert_eq!(
            misshapen,
            "weights: \"classifier.bias\" has shape [6], the spec makes it [5]; \
             use the spec it was trained with (width, classes, rows)"
        );
        let unknown = refusal(|tensors| {
            tensors.insert("extra".into(), (vec![1], vec![0.0]));
            tensors.insert("more".into(), (vec![1], vec![0.0]));
        });
        assert_eq!(
            unknown,
            "weights: \"extra\" (2 such) belongs to no layer of the spec; remove it, \
             or use the spec it was trained with"
        );
        let empty = refusal(Tensors::clear);
        assert!(empty.ends_with("the file is empty: save the whole state_dict"), "{empty}");
    }

    #[test]
    fn other_types_and_other_files_are_refused() {
        let integers =
            graph(&spec(), Weights::Safetensors(&file(&tensors(Scheme::Ours), Dtype::I64)));
        let message = integers.expect_err("integers are no weights").to_string();
        assert_eq!(message, "weights: \"stem.weight\" holds I64; save it as F32, F16 or BF16");
        let zip = graph(&spec(), Weights::Safetensors(b"PK\x03\x04 and so on"));
        let message = zip.expect_err("a zip is no safetensors file").to_string();
        assert!(message.starts_with("weights: no safetensors file"), "{message}");
    }
}
