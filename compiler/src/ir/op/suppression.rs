//! Non-maximum suppression: which boxes are detected, of those that overlap only the best.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Traits};

/// Attributes of non-maximum suppression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonMaxSuppression {
    /// Boxes that are selected for a class of an image at most.
    pub count: usize,
    /// True if a box is its centre, width and height, and not two corners `y, x`.
    pub centred: bool,
    /// The share of their union that two selected boxes may have in common.
    pub overlap: f32,
    /// The bound that selected scores exceed, if there is one.
    pub score: Option<f32>,
}

/// The operands: boxes `[images,boxes,4]`, scores `[images,classes,boxes]`.
const PORTS: &[PortSpec] = &[PortSpec::any("boxes"), PortSpec::any("scores")];

impl Definition for NonMaxSuppression {
    fn name(&self) -> &'static str {
        "non_max_suppression"
    }

    fn ports(&self) -> Ports {
        Ports::all(PORTS)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Rows, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let scores = second(operands, "scores are missing")?;
        match (first(operands, self.name())?, scores) {
            (&[images, boxes, 4], &[same, classes, scores])
                if [same, scores] == [images, boxes] =>
            {
                Ok(Some(vec![images * classes * self.count.min(boxes), 3]))
            }
            (boxes, _) => Err(format!("boxes {boxes:?} with scores {scores:?}")),
        }
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (boxes, scores) = (reads.floats(0)?, reads.floats(1)?);
        let (classes, len) = (scores.shape[1], scores.shape[2]);
        let mut rows = Vec::new();
        for (group, scores) in scores.values.chunks_exact(len.max(1)).enumerate() {
            let (image, class) = (group / classes, group % classes);
            let boxes = &boxes.values[image * len * 4..][..len * 4];
            for at in self.selected(boxes, scores) {
                rows.extend([image, class, at].map(|number| number as f32));
            }
        }
        rows.resize(reads.out.len(), -1.0);
        Ok(Values::F32(rows))
    }

    /// The image is told in every row.
    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        false
    }

    fn attributes(&self) -> String {
        let centred = if self.centred { " centred" } else { "" };
        let score = self.score.map(|score| format!(" score {score}")).unwrap_or_default();
        format!(" count {}{centred} overlap {}{score}", self.count, self.overlap)
    }
}

impl NonMaxSuppression {
    /// The selected boxes of one class of an image, the best first.
    fn selected(&self, boxes: &[f32], scores: &[f32]) -> Vec<usize> {
        let wanted = |at: &usize| match self.score {
            Some(score) => scores[*at] > score,
            None => !scores[*at].is_nan(),
        };
        let mut left: Vec<usize> = (0..scores.len()).filter(wanted).collect();
        // A sort that keeps the order of equals.
        left.sort_by(|a, b| scores[*b].partial_cmp(&scores[*a]).expect("scores are numbers"));
        let mut selected: Vec<usize> = Vec::new();
        for at in left {
            let corners = |at: usize| self.corners(&boxes[at * 4..][..4]);
            let overlaps = |other: &usize| share(corners(at), corners(*other)) > self.overlap;
            if selected.len() < self.count && !selected.iter().any(overlaps) {
                selected.push(at);
            }
        }
        selected
    }

    /// The left, top, right and bottom of a box.
    fn corners(&self, x: &[f32]) -> [f32; 4] {
        if self.centred {
            let (w, h) = (x[2] / 2.0, x[3] / 2.0);
            return [x[0] - w, x[1] - h, x[0] + w, x[1] + h];
        }
        [x[1].min(x[3]), x[0].min(x[2]), x[1].max(x[3]), x[0].max(x[2])]
    }
}

/// The share of their union that two boxes have in common; 0 where one has no area.
fn share(a: [f32; 4], b: [f32; 4]) -> f32 {
    let area = |x: [f32; 4]| (x[2] - x[0]) * (x[3] - x[1]);
    let [left, top] = [0, 1].map(|i| a[i].max(b[i]));
    let [right, bottom] = [2, 3].map(|i| a[i].min(b[i]));
    let common = (right - left) * (bottom - top);
    let union = area(a) + area(b) - common;
    let there = right > left && bottom > top;
    let sizes = [common, area(a), area(b), union];
    if there && sizes.iter().all(|size| *size > 0.0) { common / union } else { 0.0 }
}
