//! The comparison of a model with its floats, as a note in the quantised file: `mnv2c report` reads it there.
//!
//! A property of the model's metadata, a line for the whole and a line for each layer, fields apart by tabs.

use prost::Message;

use crate::proto::{ModelProto, StringStringEntryProto};
use crate::quantize::measure::{Layer, Report};

/// The property's key.
pub const KEY: &str = "mnv2c.quantize";

/// Appends the note of `report` to an ONNX file.
pub(super) fn append(file: &mut Vec<u8>, report: &Report) {
    let entry = StringStringEntryProto { key: KEY.into(), value: written(report) };
    // Messages that follow each other are one: fields that the second leaves out are those of the first.
    let note = ModelProto { metadata_props: vec![entry], ..ModelProto::default() };
    file.extend(note.encode_to_vec());
}

fn written(report: &Report) -> String {
    let Report { layers, equalized, images, agreeing, cosine } = report;
    let mut lines = vec![format!("{equalized}\t{images}\t{agreeing}\t{cosine}")];
    lines.extend(layers.iter().map(|layer| {
        let Layer { name, op, range: (lo, hi), clipped, sqnr } = layer;
        format!("{lo}\t{hi}\t{clipped}\t{sqnr}\t{op}\t{name}")
    }));
    lines.join("\n")
}

/// The report that a note holds; `None` where the text is no such note.
pub fn read(text: &str) -> Option<Report> {
    let mut lines = text.split('\n');
    let whole: Vec<&str> = lines.next()?.split('\t').collect();
    let [equalized, images, agreeing, cosine] = whole[..] else { return None };
    Some(Report {
        layers: lines.map(layer).collect::<Option<_>>()?,
        equalized: equalized.parse().ok()?,
        images: images.parse().ok()?,
        agreeing: agreeing.parse().ok()?,
        cosine: cosine.parse().ok()?,
    })
}

fn layer(line: &str) -> Option<Layer> {
    let fields: Vec<&str> = line.splitn(6, '\t').collect();
    let [lo, hi, clipped, sqnr, op, name] = fields[..] else { return None };
    Some(Layer {
        name: name.into(),
        op: op.into(),
        range: (lo.parse().ok()?, hi.parse().ok()?),
        clipped: clipped.parse().ok()?,
        sqnr: sqnr.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let layer = |name: &str, sqnr| Layer {
            name: name.into(),
            op: "conv".into(),
            range: (-0.1, 5.25),
            clipped: 1e-4,
            sqnr,
        };
        let layers = vec![layer("a\tb", 31.4), layer("c", f64::INFINITY)];
        let report = Report { layers, equalized: 3, images: 16, agreeing: 15, cosine: 0.998 };
        assert_eq!(read(&written(&report)), Some(report));
        for text in ["", "1\t2\t3", "1\t2\t3\t0.5\n4\t5", "1\t2\t3\tmuch"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
