//! Accesses of a call: rows, columns and channels that it reads and writes at the places of its stage.

use std::ops::Range;

use mnv2c_runtime::ring::Form;

use crate::ir::Conv;
use crate::kernels::Skip;
use crate::kernels::spec::Footprint;
use crate::program::{Call, Offset, Reach, Variable};
use crate::schedule::{Home, Part, Place, RowWindow, Stage, Step, Strip};
use crate::shadow::area::{Area, PartOf};

/// A call whose numbers are known.
pub(super) struct Access<'a> {
    pub step: &'a Step,
    pub call: &'a Call,
    /// The value of each variable.
    pub value: &'a dyn Fn(Variable) -> usize,
    /// Rows of the result.
    pub rows: Range<usize>,
    /// Channels of a vector.
    pub lanes: usize,
    /// Elements of the part that threads take of the result.
    pub lent: usize,
}

impl Access<'_> {
    fn stage(&self) -> &Stage {
        &self.step.stages[self.call.stage]
    }

    /// The strip that the stage reads, and its stage, if it reads one.
    fn strip(&self) -> Option<(&Stage, Strip)> {
        let before = self.step.stages.get(self.call.stage.checked_sub(1)?)?;
        match before.part {
            Part::Strip(strip) => Some((before, strip)),
            _ => None,
        }
    }

    fn shift(&self, offset: Option<Offset>) -> usize {
        offset.map_or(0, |Offset { by, variable, plus, .. }| by * (self.value)(variable) + plus)
    }

    fn image_rows(&self) -> Range<isize> {
        self.rows.start as isize..self.rows.end as isize
    }

    /// True if the call makes rows that exist, and as much of them as its stage is for.
    pub(super) fn fits(&self) -> bool {
        let stage = self.stage();
        let Range { start, end } = self.rows;
        let (all, one) = ((start, end) == (0, stage.height), end == start + 1);
        let rows = match self.call.reach {
            Reach::Slices => one,
            Reach::PixelShare(_) | Reach::ChannelShare(_) => (start, end) == (0, 1),
            _ if stage.kernel.ignores_rows() => all,
            _ => true,
        };
        let reach = match (self.call.reach, stage.part) {
            (Reach::Pixels(pixels), part) => part == Part::Pixels(pixels),
            (Reach::Panel(panels), Part::Channels(_)) => self.panel() < panels,
            (Reach::Panel(panels), _) => panels == self.step.panels && self.panel() < panels,
            (Reach::PixelShare(shares) | Reach::ChannelShare(shares), _) => shares == stage.shares,
            // The kernel cuts all rows and channels itself, into parts that lie apart.
            (Reach::Parts(parts), _) => all && parts == stage.parts && self.is_alone(),
            (Reach::Vectors(vectors), _) => {
                let tile = self.step.stages[0].kernel.tile();
                let is_there = (self.value)(Variable::Panel) < self.step.interleaved;
                is_there && tile.is_some_and(|[_, nv]| nv == vectors)
            }
            _ => true,
        };
        let strip = matches!(stage.part, Part::Strip(_));
        rows && reach && (strip || end <= stage.height)
    }

    /// True if no thread shares the call, which itself has others do parts of it.
    fn is_alone(&self) -> bool {
        self.lent == 0
    }

    /// Areas that are read of each operand in memory, by the operand's number.
    pub(super) fn reads(&self) -> Vec<(usize, Area)> {
        let stage = self.stage();
        let first = stage.from.first().map(|place| (0, self.first(*place)));
        let others = stage.from.iter().enumerate().skip(1).filter(|_| !stage.kernel.loads());
        let others = others.map(|(port, place)| (port, self.other(*place)));
        let lies = |(_, area): &(usize, Area)| !matches!(area.place.home, Home::Weights(_));
        first.into_iter().chain(others).filter(lies).collect()
    }

    /// The area that is read of the result's own memory: a residual that it overwrites.
    pub(super) fn over(&self) -> Option<Area> {
        match self.stage().kernel.skip() {
            Skip::InPlace => Some(self.write()),
            Skip::None | Skip::Other => None,
        }
    }

    /// The area that is read of the first operand.
    fn first(&self, from: Place) -> Area {
        let stage = self.stage();
        let shift = self.shift(self.call.from);
        let image = Area { shift, ..Area::image(from) };
        match stage.kernel.footprint() {
            Footprint::Long => self.share(from.flattened(), shift),
            Footprint::Points => self.by_points(image),
            Footprint::Windows => image.rows(self.windows(stage.window)).with_edges(),
            Footprint::Channels(conv) => self.by_channels(image, conv),
            Footprint::Pooled => {
                let part = PartOf { panel: self.panel(), ..PartOf::default() };
                Area { part, ..image.rows(self.image_rows()) }
            }
            Footprint::Clipped => {
                let streamed = self.step.is_streamed();
                let all = 0..from.height as isize;
                let rows = if streamed { self.windows(stage.window) } else { all };
                image.rows(rows.start.max(0)..rows.end.min(from.height as isize))
            }
            Footprint::Elements | Footprint::Walk { .. } if from.height == stage.height => {
                image.rows(self.image_rows())
            }
            Footprint::Elements | Footprint::Walk { .. } => image,
        }
    }

    /// The area that a 1x1 convolution reads: the pixels of its rows.
    fn by_points(&self, image: Area) -> Area {
        let stage = self.stage();
        let (from, rows) = (image.place, self.windows(stage.window));
        let columns = |count: usize, column: usize, width: usize| Area {
            columns: 0..count as isize,
            part: PartOf { column: column as isize, width: Some(width), ..PartOf::default() },
            ..image.clone()
        };
        match (stage.part, self.call.reach) {
            (Part::Strip(_), reach) => {
                let (first, count) = self.columns(reach);
                columns(count, first, from.rows.width).rows(self.image_rows())
            }
            (Part::Pixels(pixels), _) => {
                columns(pixels, (self.value)(Variable::Pixel), stage.into.rows.width).rows(rows)
            }
            _ => image.rows(rows),
        }
    }

    /// The area that a depthwise convolution reads: windows of the channels that it writes.
    fn by_channels(&self, image: Area, conv: &Conv) -> Area {
        let stage = self.stage();
        let pixel = (self.value)(Variable::Pixel) * conv.stride[1];
        if let Some((maker, _)) = self.strip() {
            let width = Some(maker.from[0].rows.width);
            let part = PartOf { column: pixel as isize, width, ..PartOf::default() };
            return Area { part, ..image.rows(self.windows(maker.window)).with_edges() };
        }
        let rows = self.windows(stage.window);
        let part = PartOf { panel: self.panel(), ..PartOf::default() };
        let image = Area { part, ..image };
        match (stage.part, self.call.reach) {
            (Part::Pixels(pixels), _) => {
                let first = -(conv.pads[1] as isize);
                let count = (pixels - 1) * conv.stride[1] + (conv.kernel[1] - 1) * conv.dilation[1];
                let columns = first..first + count as isize + 1;
                let width = Some(image.place.rows.width);
                let part = PartOf { column: pixel as isize, width, ..PartOf::default() };
                Area { columns, part, ..image.rows(rows) }
            }
            (_, Reach::Vectors(vectors)) => {
                let channels = self.vectors(vectors, image.place);
                Area { channels, ..image.rows(rows).with_edges() }
            }
            _ => image.rows(rows).with_edges(),
        }
    }

    /// The area that is read of an operand behind the first.
    fn other(&self, from: Place) -> Area {
        let stage = self.stage();
        let shift = self.shift(self.call.residual);
        let image = Area { shift, ..Area::image(from) };
        match (stage.kernel.footprint(), stage.part) {
            (Footprint::Long, _) => self.share(from.flattened(), shift),
            _ if stage.kernel.repeats_second() => image,
            (_, Part::Pixels(pixels)) => self.pixels(image.rows(self.image_rows()), pixels),
            _ if from.height == stage.height => image.rows(self.image_rows()),
            _ => image,
        }
    }

    /// The area that is written.
    pub(super) fn write(&self) -> Area {
        let stage = self.stage();
        let into = stage.into;
        let image = Area { shift: self.shift(self.call.into), ..Area::image(into) };
        let rows = self.image_rows();
        match (stage.kernel.footprint(), stage.part, self.call.reach) {
            (Footprint::Long, ..) => {
                let share = self.share(into.flattened(), image.shift);
                Area { part: PartOf { panel: self.panel(), ..share.part }, ..share }
            }
            (Footprint::Pooled, _, Reach::Panel(_)) => self.of_panel(image),
            (Footprint::Pooled, ..) => image,
            (Footprint::Channels(_), Part::Pixels(pixels), _) => {
                let width = self.step.stages.get(self.call.stage + 1);
                let width = width.map(|reader| reader.into.rows.width);
                let column = (self.value)(Variable::Pixel) as isize;
                let part = PartOf { column, width, ..PartOf::default() };
                Area { columns: 0..pixels as isize, part, ..image.rows(rows) }
            }
            (_, Part::Pixels(pixels), _) => self.pixels(image.rows(rows), pixels),
            (_, Part::Strip(_), reach) => {
                let (column, count) = self.columns(reach);
                let width = Some(stage.from[0].rows.width);
                let part = PartOf { column: column as isize, width, ..PartOf::default() };
                Area { columns: 0..count as isize, part, ..image.rows(rows) }
            }
            (Footprint::Channels(_), _, Reach::Panel(_)) => self.of_panel(image.rows(rows)),
            (_, _, Reach::Panel(_)) => {
                let part = PartOf { panel: self.panel(), ..PartOf::default() };
                Area { part, ..image.rows(rows) }
            }
            (_, _, Reach::Vectors(vectors)) => {
                Area { channels: self.vectors(vectors, into), ..image.rows(rows) }
            }
            (_, _, Reach::ChannelShare(_)) => {
                let first = (self.value)(Variable::Part) * self.lent;
                let count = self.lent.min(into.rows.channels.saturating_sub(first));
                let part = PartOf { channel: first, ..PartOf::default() };
                Area { channels: 0..count, part, ..image }
            }
            _ if into.height == stage.height => image.rows(rows),
            _ => image,
        }
    }

    /// The part of a long row that is meant: all, or what a thread takes.
    fn share(&self, place: Place, shift: usize) -> Area {
        let image = Area { shift, ..Area::image(place) };
        let Reach::PixelShare(parts) = self.call.reach else { return image };
        let count = place.rows.width / parts;
        let column = ((self.value)(Variable::Part) * count) as isize;
        let part = PartOf { column, width: Some(place.rows.width), ..PartOf::default() };
        Area { columns: 0..count as isize, part, ..image }
    }

    /// Pixels from the variable on, of a value that lies whole.
    fn pixels(&self, area: Area, count: usize) -> Area {
        let column = (self.value)(Variable::Pixel) as isize;
        let width = Some(area.place.rows.width);
        let part = PartOf { column, width, ..PartOf::default() };
        Area { columns: 0..count as isize, part, ..area }
    }

    /// The channels of a panel in a value that lies whole.
    fn of_panel(&self, area: Area) -> Area {
        let count = self.stage().from[0].rows.channels;
        let channel = (self.value)(Variable::Panel) * count;
        Area { channels: 0..count, part: PartOf { channel, ..PartOf::default() }, ..area }
    }

    /// The panel, where panels share memory.
    fn panel(&self) -> usize {
        match self.call.reach {
            Reach::Panel(_) => (self.value)(Variable::Panel),
            _ => 0,
        }
    }

    fn vectors(&self, vectors: usize, place: Place) -> Range<usize> {
        let lanes = match place.rows.form {
            Form::Chunks(lanes) => lanes,
            Form::Nhwc | Form::Planes | Form::Slice { .. } => self.lanes,
        };
        let first = (self.value)(Variable::Panel) * vectors * lanes;
        first..(first + vectors * lanes).min(place.rows.channels)
    }

    /// The first column of the image that a call of a strip's stage makes, and how many.
    fn columns(&self, reach: Reach) -> (usize, usize) {
        let Part::Strip(strip) = self.stage().part else { return (0, 0) };
        let reader = &self.step.stages[self.call.stage + 1];
        let Footprint::Channels(conv) = reader.kernel.footprint() else { return (0, 0) };
        let stride = conv.stride[1];
        let next = (self.value)(Variable::Pixel) * stride + strip.first;
        match reach {
            Reach::FirstColumns => (0, strip.first),
            Reach::LastColumns => (next, strip.last),
            _ => (next, strip.adds),
        }
    }

    /// The rows that the windows of the result's rows cover.
    fn windows(&self, window: RowWindow) -> Range<isize> {
        let RowWindow { span, stride, above, shared: (per, at) } = window;
        let first = |row: usize| ((row * stride + at) / per) as isize - above as isize;
        if self.rows.is_empty() {
            return 0..0;
        }
        first(self.rows.start)..first(self.rows.end - 1) + span as isize
    }
}
