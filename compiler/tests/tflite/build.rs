//! Writes small TFLite files: FlatBuffers whose fields are given by number.

/// A field of a table.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    /// A number that lies in the table itself.
    Byte(u8),
    Int(i32),
    Float(f32),
    /// What lies elsewhere.
    Text(&'static str),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Data(Vec<u8>),
    Table(Table),
    Tables(Vec<Table>),
}

/// Fields by their numbers.
pub(crate) type Table = Vec<(usize, Field)>;

/// A tensor's element types, by the numbers of the format.
pub(crate) const F32: u8 = 0;
pub(crate) const I32: u8 = 2;
pub(crate) const I64: u8 = 4;
pub(crate) const I16: u8 = 7;
pub(crate) const I8: u8 = 9;
const RESOURCE: u8 = 13;

/// Operators on variables.
const CALL_ONCE: [i32; 2] = [129, 1];
const VAR_HANDLE: [i32; 2] = [142, 1];
pub(crate) const READ_VARIABLE: [i32; 2] = [143, 1];
pub(crate) const ASSIGN_VARIABLE: [i32; 2] = [144, 1];

/// A network under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Net {
    tensors: Vec<Table>,
    buffers: Vec<Table>,
    codes: Vec<Table>,
    operators: Vec<Table>,
    inputs: Vec<i32>,
    /// Variables and the constants that they start as, in a graph of their own.
    starts: Vec<(&'static str, i32)>,
}

impl Net {
    /// A tensor of a type; with the scale and zero point of bytes, if they are given.
    pub(crate) fn tensor(&mut self, kind: u8, shape: &[i32], scale: Option<(f32, i64)>) -> i32 {
        let shape = Field::Ints(shape.to_vec());
        let mut tensor = vec![(0, shape), (1, Field::Byte(kind)), (2, Field::Int(0))];
        if let Some((scale, zero)) = scale {
            let scales = vec![(2, Field::Floats(vec![scale])), (3, Field::Longs(vec![zero]))];
            tensor.push((4, Field::Table(scales)));
        }
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    pub(crate) fn input(&mut self, kind: u8, shape: &[i32], scale: Option<(f32, i64)>) -> i32 {
        let tensor = self.tensor(kind, shape, scale);
        self.inputs.push(tensor);
        tensor
    }

    /// A tensor that an operator keeps between calls.
    pub(crate) fn kept(&mut self, kind: u8, shape: &[i32], scale: Option<(f32, i64)>) -> i32 {
        let tensor = self.tensor(kind, shape, scale);
        self.tensors[tensor as usize].push((5, Field::Byte(1)));
        tensor
    }

    /// A constant of a type, as it lies in the file.
    pub(crate) fn constant(
        &mut self,
        kind: u8,
        shape: &[i32],
        scale: Option<(f32, i64)>,
        data: Vec<u8>,
    ) -> i32 {
        let tensor = self.tensor(kind, shape, scale);
        self.buffers.push(vec![(0, Field::Data(data))]);
        // Buffer 0 is the empty one.
        self.tensors[tensor as usize][2].1 = Field::Int(self.buffers.len() as i32);
        tensor
    }

    /// A constant of bytes with a scale for each index of its first dimension, or one for all.
    pub(crate) fn constant_of(
        &mut self,
        kind: u8,
        shape: &[i32],
        scales: &[f32],
        data: Vec<u8>,
    ) -> i32 {
        let constant = self.constant(kind, shape, None, data);
        let zeros = Field::Longs(vec![0; scales.len()]);
        let scales = vec![(2, Field::Floats(scales.to_vec())), (3, zeros)];
        self.tensors[constant as usize].push((4, Field::Table(scales)));
        constant
    }

    pub(crate) fn floats(&mut self, shape: &[i32], values: &[f32]) -> i32 {
        self.constant(F32, shape, None, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    pub(crate) fn integers(&mut self, shape: &[i32], values: &[i32]) -> i32 {
        self.constant(I32, shape, None, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// An operator by its number and version, with options by their fields.
    pub(crate) fn operator(
        &mut self,
        [number, version]: [i32; 2],
        inputs: &[i32],
        output: i32,
        options: Table,
    ) {
        self.codes.push(vec![(2, Field::Int(version)), (3, Field::Int(number))]);
        let code = Field::Int(self.codes.len() as i32 - 1);
        let (inputs, outputs) = (Field::Ints(inputs.to_vec()), Field::Ints(vec![output]));
        self.operators.push(vec![
            (0, code),
            (1, inputs),
            (2, outputs),
            (3, Field::Byte(kind_of_options(number))),
            (4, Field::Table(options)),
        ]);
    }

    /// An operator that makes nothing.
    pub(crate) fn effect(&mut self, number: [i32; 2], inputs: &[i32], options: Table) {
        self.operator(number, inputs, 0, options);
        let operator = self.operators.last_mut().expect("one was added");
        operator[2].1 = Field::Ints(vec![]);
    }

    /// A variable; it starts as a constant, if one is given.
    pub(crate) fn variable(&mut self, name: &'static str, start: Option<i32>) -> i32 {
        if self.starts.is_empty() && start.is_some() {
            self.effect(CALL_ONCE, &[], vec![(0, Field::Int(1))]);
        }
        self.starts.extend(start.map(|start| (name, start)));
        let handle = self.tensor(RESOURCE, &[], None);
        self.operator(VAR_HANDLE, &[], handle, vec![(1, Field::Text(name))]);
        handle
    }

    /// The graph that gives variables their start.
    fn once(&self) -> Net {
        let mut once = Net { codes: self.codes.clone(), ..Net::default() };
        for (name, start) in &self.starts {
            let handle = once.tensor(RESOURCE, &[], None);
            once.operator(VAR_HANDLE, &[], handle, vec![(1, Field::Text(name))]);
            once.tensors.push(self.tensors[*start as usize].clone());
            let constant = once.tensors.len() as i32 - 1;
            once.effect(ASSIGN_VARIABLE, &[handle, constant], vec![]);
        }
        once
    }

    /// The file, whose outputs are `outputs`.
    pub(crate) fn file(&self, outputs: &[i32]) -> Vec<u8> {
        let graph = |net: &Net, outputs: &[i32]| {
            vec![
                (0, Field::Tables(net.tensors.clone())),
                (1, Field::Ints(net.inputs.clone())),
                (2, Field::Ints(outputs.to_vec())),
                (3, Field::Tables(net.operators.clone())),
            ]
        };
        let once = self.once();
        let mut graphs = vec![graph(self, outputs)];
        if !self.starts.is_empty() {
            graphs.push(graph(&once, &[]));
        }
        let buffers = [vec![vec![]], self.buffers.clone()].concat();
        let root = vec![
            (0, Field::Int(3)),
            (1, Field::Tables(once.codes.clone())),
            (2, Field::Tables(graphs)),
            (3, Field::Text("a test")),
            (4, Field::Tables(buffers)),
        ];
        let mut file = [&[0; 4], b"TFL3".as_slice()].concat();
        let at = put_table(&mut file, &root);
        point(&mut file, 0, at);
        file
    }
}

/// The format's number for the options of an operator, where a test's file is read by others too.
fn kind_of_options(number: i32) -> u8 {
    match number {
        25 => 9, // SOFTMAX
        27 => 6, // SVDF
        _ => 1,
    }
}

/// Writes the offset from `from` to `to`.
fn point(file: &mut [u8], from: usize, to: usize) {
    file[from..from + 4].copy_from_slice(&((to - from) as u32).to_le_bytes());
}

/// Appends a table behind its list of fields; where it begins.
fn put_table(file: &mut Vec<u8>, fields: &Table) -> usize {
    let count = fields.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
    let list = file.len();
    file.extend(((4 + 2 * count) as u16).to_le_bytes());
    file.extend(((4 + 4 * fields.len()) as u16).to_le_bytes());
    file.extend(vec![0; 2 * count]);
    let at = file.len();
    file.extend(((at - list) as i32).to_le_bytes());
    for (i, (number, field)) in fields.iter().enumerate() {
        let offset = (4 + 4 * i) as u16;
        file[list + 4 + 2 * number..][..2].copy_from_slice(&offset.to_le_bytes());
        file.extend(match field {
            Field::Byte(x) => u32::from(*x).to_le_bytes(),
            Field::Int(x) => x.to_le_bytes(),
            Field::Float(x) => x.to_le_bytes(),
            _ => [0; 4],
        });
    }
    for (i, (_, field)) in fields.iter().enumerate() {
        if let Some(to) = put_elsewhere(file, field) {
            point(file, at + 4 + 4 * i, to);
        }
    }
    at
}

/// Appends what does not lie in a table itself; where it begins.
fn put_elsewhere(file: &mut Vec<u8>, field: &Field) -> Option<usize> {
    let list = |len: usize, bytes: Vec<u8>| [(len as u32).to_le_bytes().to_vec(), bytes].concat();
    let bytes = match field {
        Field::Byte(_) | Field::Int(_) | Field::Float(_) => return None,
        Field::Table(table) => return Some(put_table(file, table)),
        Field::Tables(tables) => return Some(put_tables(file, tables)),
        Field::Text(text) => list(text.len(), [text.as_bytes(), &[0]].concat()),
        Field::Ints(x) => list(x.len(), x.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Field::Longs(x) => list(x.len(), x.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Field::Floats(x) => list(x.len(), x.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Field::Data(bytes) => list(bytes.len(), bytes.clone()),
    };
    let at = file.len();
    file.extend(bytes);
    Some(at)
}

fn put_tables(file: &mut Vec<u8>, tables: &[Table]) -> usize {
    let at = file.len();
    file.extend((tables.len() as u32).to_le_bytes());
    file.extend(vec![0; 4 * tables.len()]);
    for (i, table) in tables.iter().enumerate() {
        let to = put_table(file, table);
        point(file, at + 4 + 4 * i, to);
    }
    at
}
