//! Non-maximum suppression: the boxes of the greatest scores that do not overlap a better one too much.

use crate::simd::Number;

/// Boxes of several images and their scores for several classes; every class of an image is looked at by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonMaxSuppression {
    /// Images.
    pub images: usize,
    /// Classes.
    pub classes: usize,
    /// Boxes of an image.
    pub boxes: usize,
    /// Boxes that are selected for a class of an image at most.
    pub count: usize,
    /// True if a box is given as its centre, width and height, and not as two corners `y, x`.
    pub centred: bool,
    /// The share of their union that two boxes may have in common.
    pub overlap: f32,
    /// The bound that selected scores exceed.
    pub score: f32,
    /// True if there is such a bound.
    pub scored: bool,
}

impl NonMaxSuppression {
    /// Rows of image, class and box into `y`, the best box of a class first; -1 behind the last of them all.
    #[inline(always)]
    pub fn run<B: Number, S: Number, Y: Number>(&self, boxes: &[B], scores: &[S], y: &mut [Y]) {
        let groups = self.images * self.classes;
        let fits = boxes.len() == self.images * self.boxes * 4
            && scores.len() == groups * self.boxes
            && y.len() == groups * self.count.min(self.boxes) * 3;
        assert!(fits, "operands and result are as long as their shapes say");
        y.fill(Y::of(-1.0));
        let mut made = 0;
        for group in 0..groups {
            let (image, class) = (group / self.classes, group % self.classes);
            let boxes = &boxes[image * self.boxes * 4..][..self.boxes * 4];
            let scores = &scores[group * self.boxes..][..self.boxes];
            let (first, mut before) = (made, None);
            while made - first < self.count {
                let next = self.next(boxes, scores, &y[first * 3..made * 3], before);
                let Some((_, at)) = next else { break };
                let row = [image, class, at].map(|number| Y::of(number as f32));
                y[made * 3..][..3].copy_from_slice(&row);
                before = next;
                made += 1;
            }
        }
    }

    /// The best box behind `before` that none of the `selected` rows overlaps, and its score.
    #[inline(always)]
    fn next<B: Number, S: Number, Y: Number>(
        &self,
        boxes: &[B],
        scores: &[S],
        selected: &[Y],
        before: Option<(f32, usize)>,
    ) -> Option<(f32, usize)> {
        let mut best: Option<(f32, usize)> = None;
        for (at, score) in scores.iter().enumerate() {
            let it = (score.real(), at);
            let wanted = if self.scored { it.0 > self.score } else { !it.0.is_nan() };
            let is_left = wanted && before.is_none_or(|before| comes_before(before, it));
            if is_left && best.is_none_or(|best| comes_before(it, best)) {
                let mut rows = selected.chunks_exact(3);
                let one = corners(boxes, at, self.centred);
                let overlaps = |row: &[Y]| {
                    let other = corners(boxes, row[2].real() as usize, self.centred);
                    common_share(one, other) > self.overlap
                };
                if !rows.any(overlaps) {
                    best = Some(it);
                }
            }
        }
        best
    }
}

/// True if the score and box `a` are better than `b`; of equal scores the first box is.
#[inline(always)]
fn comes_before(a: (f32, usize), b: (f32, usize)) -> bool {
    a.0 > b.0 || a.0 == b.0 && a.1 < b.1
}

/// The least and greatest of both coordinates of box `at`: `[[least, least], [greatest, greatest]]`.
#[inline(always)]
fn corners<B: Number>(boxes: &[B], at: usize, centred: bool) -> [[f32; 2]; 2] {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| boxes[at * 4 + i].real());
    if centred {
        let (half_width, half_height) = (c / 2.0, d / 2.0);
        [[a - half_width, b - half_height], [a + half_width, b + half_height]]
    } else {
        [[b.min(d), a.min(c)], [b.max(d), a.max(c)]]
    }
}

/// The share of their union that two boxes have in common; 0 where one has no area.
#[inline(always)]
fn common_share(a: [[f32; 2]; 2], b: [[f32; 2]; 2]) -> f32 {
    let side = |i: usize| b[1][i].min(a[1][i]) - b[0][i].max(a[0][i]);
    let area = |x: [[f32; 2]; 2]| (x[1][0] - x[0][0]) * (x[1][1] - x[0][1]);
    let (width, height) = (side(0), side(1));
    let common = width * height;
    let union = area(a) + area(b) - common;
    let there = width > 0.0 && height > 0.0 && common > 0.0;
    if there && area(a) > 0.0 && area(b) > 0.0 && union > 0.0 { common / union } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NMS: NonMaxSuppression = NonMaxSuppression {
        images: 1,
        classes: 1,
        boxes: 4,
        count: 3,
        centred: false,
        overlap: 0.5,
        score: 0.1,
        scored: true,
    };

    /// Two squares that overlap by four fifths, one far off, and one of a low score.
    const BOXES: [f32; 16] =
        [0.0, 0.0, 1.0, 1.0, 0.0, 0.1, 1.0, 1.1, 9.0, 9.0, 8.0, 8.0, 5.0, 5.0, 6.0, 6.0];

    fn of(nms: NonMaxSuppression) -> [f32; 9] {
        let mut y = [7.0; 9];
        nms.run(&BOXES, &[0.5, 0.9, 0.5, 0.05], &mut y);
        y
    }

    #[test]
    fn boxes_that_overlap_a_better_one_are_left_out() {
        let none = [-1.0; 3];
        let row = |at: usize| [0.0, 0.0, at as f32];
        assert_eq!(of(NMS), *[row(1), row(2), none].as_flattened());
        let nms = NonMaxSuppression { overlap: 0.9, ..NMS };
        assert_eq!(of(nms), *[row(1), row(0), row(2)].as_flattened());
        let nms = NonMaxSuppression { scored: false, ..NMS };
        assert_eq!(of(nms), *[row(1), row(2), row(3)].as_flattened());
    }
}
