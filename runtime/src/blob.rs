//! Aligned bytes seen as typed slices: packed weights, slots of working memory, one element type as another.
//!
//! The casts of the crate and their proofs live here. A range that does not fit is a compile error when it is cut
//! in a `const`, which is how emitted code cuts it:
//! `const STEM: &[f32] = BLOB.f32s(0..864);`.

pub mod arrays;
mod element;

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::slice;

pub use self::element::{Element, view, view_mut, wide, wide_mut};

#[cfg(target_endian = "big")]
compile_error!("packed weights are little endian; no big-endian target is supported");

/// What a blob and an arena are aligned to, in bytes: a cache line, and the widest vector.
pub const ALIGN: usize = 64;

/// Packed weights: `N` bytes, a multiple of [`ALIGN`].
#[repr(C, align(64))]
pub struct Blob<const N: usize>([u8; N]);

impl<const N: usize> Blob<N> {
    const WHOLE_LINES: () =
        assert!(N.is_multiple_of(ALIGN), "blobs and arenas are multiples of 64 bytes long");

    /// Takes bytes as they are.
    #[inline(always)]
    pub const fn new(bytes: [u8; N]) -> Self {
        const { Self::WHOLE_LINES };
        Self(bytes)
    }

    /// The blob in a file of weights that is part of the program, by `include_bytes!` or as a byte-string literal: to be
    /// called for a `static`, where a file that is not the one emitted with it does not compile.
    ///
    /// To hash megabytes while a program is compiled takes longer than all else, so the file's own word for its hash is
    /// taken, and a sample of its bytes.
    pub const fn of_file(file: &[u8], hash: u64) -> Self {
        const { Self::WHOLE_LINES };
        let Some((head, bytes)) = file.split_first_chunk::<HEADER_BYTES>() else {
            panic!("weights: this is no file of weights; take the one emitted with this source")
        };
        let [magic, its_hash, its_sample, ..] = *head.as_chunks::<8>().0 else { unreachable!() };
        let is_ours = u64::from_le_bytes(magic) == u64::from_le_bytes(*MAGIC);
        assert!(
            is_ours,
            "weights: this is no file of weights; take the one emitted with this source"
        );
        let is_right = u64::from_le_bytes(its_hash) == hash;
        assert!(
            is_right,
            "weights: these are another network's; take the file emitted with this source"
        );
        let is_sound = bytes.len() == N && u64::from_le_bytes(its_sample) == sample(bytes);
        assert!(is_sound, "weights: the file is damaged; compile the model again");
        match bytes.first_chunk() {
            Some(bytes) => Self(*bytes),
            None => panic!("its length was compared"),
        }
    }

    /// The blob that lies in `bytes`: weights which stand in flash or in a mapped file, apart from the program.
    pub fn from_bytes(bytes: &[u8]) -> Result<&Self, BlobError> {
        const { Self::WHOLE_LINES };
        let start = bytes.as_ptr();
        if bytes.len() != N {
            return Err(BlobError::Length { expected: N, found: bytes.len() });
        }
        if !start.addr().is_multiple_of(ALIGN) {
            return Err(BlobError::Alignment { past: start.addr() % ALIGN });
        }
        // SAFETY: length and alignment were just checked; any bytes are a blob; a multiple of its alignment has no
        // padding, so the blob is exactly `bytes` and lives as long.
        Ok(unsafe { &*start.cast::<Self>() })
    }

    /// The blob in a file of weights: [`header`], then the blob that hashes to `hash`.
    pub fn from_file(file: &[u8], hash: u64) -> Result<&Self, BlobError> {
        let Some((head, bytes)) = file.split_first_chunk::<HEADER_BYTES>() else {
            return Err(BlobError::Header);
        };
        if !head.starts_with(MAGIC) {
            return Err(BlobError::Header);
        }
        let blob = Self::from_bytes(bytes)?;
        let found = self::hash(bytes);
        if found != hash {
            return Err(BlobError::Hash { expected: hash, found });
        }
        Ok(blob)
    }

    /// All bytes.
    pub const fn bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to write through.
    #[inline(always)]
    pub(crate) const fn bytes_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    /// The numbers in `range`, which counts `f32`s from the blob's start.
    #[inline(always)]
    pub const fn f32s(&self, range: Range<usize>) -> &[f32] {
        self.cut(range)
    }

    /// The array of numbers that begins behind so many of them.
    #[inline(always)]
    pub const fn array<E: Element, const LEN: usize>(&self, start: usize) -> &[E; LEN] {
        match self.cut(start..start + LEN).first_chunk() {
            Some(array) => array,
            None => panic!("a range has its length"),
        }
    }

    /// The numbers in `range`, which counts elements of `E` from the blob's start.
    #[inline(always)]
    pub const fn cut<E: Element>(&self, range: Range<usize>) -> &[E] {
        let fits = range.start <= range.end && range.end <= N / size_of::<E>();
        assert!(fits, "the range lies in the blob");
        let start = (&raw const self.0).cast::<E>();
        // SAFETY: the range ends in the blob, a blob is aligned for every element, and any bytes are an `E`.
        unsafe { slice::from_raw_parts(start.add(range.start), range.end - range.start) }
    }
}

/// Bytes in front of the blob in a file of weights, so that file and blob are aligned alike.
pub const HEADER_BYTES: usize = ALIGN;

/// What a file of weights begins with: name and version of the format.
const MAGIC: &[u8; 8] = b"mnv2c w2";

/// The first bytes of the file of a blob: what it is, the blob's hash, that of a sample of it, and zeros.
pub fn header(blob: &[u8]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&hash(blob).to_le_bytes());
    header[16..24].copy_from_slice(&sample(blob).to_le_bytes());
    header
}

/// FNV-1a over words of eight bytes, of which a blob has a whole number.
pub const fn hash(bytes: &[u8]) -> u64 {
    hash_each(bytes, 1)
}

/// The same over a few words: all of a small blob, at least one of each page of 4 KiB up to 16 MiB.
const fn sample(bytes: &[u8]) -> u64 {
    let step = bytes.len() / 8 / MOST_SAMPLES;
    hash_each(bytes, if step == 0 { 1 } else { step })
}

/// Words of a sample, at most nearly twice as many: what takes a hundredth of the time that a network compiles in.
const MOST_SAMPLES: usize = 1 << 12;

/// FNV-1a over every so many words.
const fn hash_each(bytes: &[u8], step: usize) -> u64 {
    let words = bytes.as_chunks::<8>().0;
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325, 0);
    while at < words.len() {
        hash = (hash ^ u64::from_le_bytes(words[at])).wrapping_mul(0x0100_0000_01b3);
        at += step;
    }
    hash
}

/// Why bytes are not a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobError {
    /// They are too many or too few.
    Length {
        /// Bytes that the program was compiled for.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// They do not start at a multiple of [`ALIGN`].
    Alignment {
        /// Bytes from the last such multiple to their start.
        past: usize,
    },
    /// They do not begin as a file of weights does.
    Header,
    /// They are the weights of another network, or damaged.
    Hash {
        /// What the program was compiled for.
        expected: u64,
        /// What the bytes hash to.
        found: u64,
    },
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => write!(
                f,
                "weights: {found} bytes where the program was compiled for {expected}; use the blob emitted beside it"
            ),
            Self::Header => f.write_str(
                "weights: this is no file of weights; use the one emitted beside the program's source"
            ),
            Self::Hash { expected, found } => write!(
                f,
                "weights: they hash to {found:#x} where the program was compiled for {expected:#x}; \
                 use the file emitted with it"
            ),
            Self::Alignment { past } => write!(
                f,
                "weights: they start {past} bytes past a multiple of {ALIGN}; place or map them at a multiple"
            ),
        }
    }
}

impl core::error::Error for BlobError {}

/// Slots that are lent at once, at most.
pub const MOST_SLOTS: usize = 64;

/// `K` disjoint ranges of `BYTES` of memory, at most [`MOST_SLOTS`], in elements of `E`.
pub struct Slots<E, const K: usize, const BYTES: usize> {
    ranges: [Range<usize>; K],
    element: PhantomData<E>,
}

impl<E: Element, const K: usize, const BYTES: usize> Slots<E, K, BYTES> {
    /// Checks the ranges; to be called in a `const`, where a mistaken plan does not compile.
    pub const fn new(ranges: [Range<usize>; K]) -> Self {
        const { assert!(K <= MOST_SLOTS, "too many slots are lent at once") };
        let mut i = 0;
        while i < K {
            let slot = &ranges[i];
            assert!(slot.start <= slot.end, "a slot ends after it starts");
            assert!(slot.end <= BYTES / size_of::<E>(), "a slot lies in the memory");
            let mut j = 0;
            while j < i {
                let apart = slot.end <= ranges[j].start || ranges[j].end <= slot.start;
                assert!(apart, "slots are disjoint");
                j += 1;
            }
            i += 1;
        }
        Self { ranges, element: PhantomData }
    }

    /// The elements of each range.
    ///
    /// Written out rather than looped: at opt-level "s" a loop stays one, and hides from kernels how long slots are.
    #[inline(always)]
    pub(crate) fn of(self, memory: &mut Blob<BYTES>) -> [&mut [E]; K] {
        let start = memory.0.as_mut_ptr().cast::<E>();
        let mut slots = MaybeUninit::<[&mut [E]; K]>::uninit();
        let first = slots.as_mut_ptr().cast::<&mut [E]>();
        macro_rules! lend {
            ($($at:literal)*) => {$(
                if $at < K {
                    let Range { start: from, end } = self.ranges[$at];
                    // SAFETY: `new` checked that the range lies in the memory and shares none with the others; the
                    // memory is aligned for every element, any bytes are an `E`, and the array has a place `$at`.
                    unsafe { first.add($at).write(slice::from_raw_parts_mut(start.add(from), end - from)) };
                }
            )*};
        }
        lend!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        lend!(16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
        lend!(32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47);
        lend!(48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
        // SAFETY: all `K` places, of at most `MOST_SLOTS`, have been written.
        unsafe { slots.assume_init() }
    }
}

impl<E: Element, const BYTES: usize> Slots<E, 1, BYTES> {
    /// A slot by itself: an array of one range looks like a mistake, to readers and to clippy.
    pub const fn one(range: Range<usize>) -> Self {
        Self::new([range])
    }
}

#[cfg(feature = "sources")]
crate::listed::listed! {
    "blob/", "blob/":
    "arrays" "element"
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    static BLOB: Blob<64> = Blob::new([0; 64]);

    fn one_two() -> Blob<64> {
        let mut bytes = [0; 64];
        bytes[4..8].copy_from_slice(&1.0_f32.to_le_bytes());
        bytes[8..12].copy_from_slice(&2.0_f32.to_le_bytes());
        Blob::new(bytes)
    }

    #[test]
    fn a_range_counts_elements_of_its_own_type() {
        assert_eq!(one_two().f32s(1..3), [1.0, 2.0]);
        assert_eq!(one_two().cut::<u16>(3..6), [0x3f80, 0, 0x4000]);
        assert_eq!(one_two().array::<u16, 3>(3), &[0x3f80, 0, 0x4000]);
    }

    #[test]
    fn a_constant_may_borrow_from_a_static_blob() {
        const LAST: &[f32] = BLOB.f32s(15..16);
        assert_eq!(LAST, [0.0]);
    }

    #[test]
    fn aligned_bytes_of_the_right_length_are_a_blob() {
        let blob = one_two();
        let again = Blob::<64>::from_bytes(&blob.0).map(|blob| blob.f32s(1..3));
        assert_eq!(again, Ok(&[1.0, 2.0][..]));
    }

    #[test]
    fn a_wrong_length_and_a_crooked_start_are_named() {
        let error = Blob::<128>::from_bytes(&one_two().0).err();
        assert_eq!(error, Some(BlobError::Length { expected: 128, found: 64 }));
        let blob = Blob::new([0; 128]);
        let error = Blob::<64>::from_bytes(&blob.0[4..68]).err();
        assert_eq!(error, Some(BlobError::Alignment { past: 4 }));
    }

    #[test]
    fn a_file_of_weights_is_known_by_its_header_and_its_hash() {
        let blob = one_two();
        let mut file = [0; 128];
        file[..64].copy_from_slice(&header(blob.bytes()));
        file[64..].copy_from_slice(blob.bytes());
        let (file, right) = (Blob::new(file), hash(blob.bytes()));
        let read = |file: &[u8], hash| {
            Blob::<64>::from_file(file, hash).map(|blob| blob.f32s(1..3)[1]).map_err(drop)
        };
        assert_eq!(read(file.bytes(), right), Ok(2.0));
        let error = Blob::<64>::from_file(file.bytes(), 7).err();
        assert_eq!(error, Some(BlobError::Hash { expected: 7, found: right }));
        assert_eq!(Blob::<64>::from_file(&[0; 9], right).err(), Some(BlobError::Header));
        assert_eq!(Blob::<64>::from_file(&[0; 128], right).err(), Some(BlobError::Header));
        assert_eq!(read(&file.bytes()[..120], right), Err(()));
    }

    #[test]
    fn a_file_that_is_part_of_a_program_is_the_one_emitted_with_it() {
        let refused = |file: &[u8], hash| {
            std::panic::catch_unwind(|| Blob::<64>::of_file(file, hash).f32s(1..2)[0]).is_err()
        };
        let (mut file, mut other) = ([0; 128], [0; 128]);
        file[64..].copy_from_slice(one_two().bytes());
        other[64..].fill(1);
        for file in [&mut file, &mut other] {
            let head = header(&file[64..]);
            file[..64].copy_from_slice(&head);
        }
        let right = hash(&file[64..]);
        assert_eq!(Blob::<64>::of_file(&file, right).f32s(1..3), [1.0, 2.0]);
        assert!(refused(&other, right), "of another network");
        assert!(refused(&file[..120], right) && refused(&[file, file].concat(), right), "lengths");
        assert!(refused(&file[64..], right) && refused(&[], right), "no header");
        file[100] ^= 1;
        assert!(refused(&file, right), "damaged");
    }

    #[test]
    fn a_sample_has_words_of_every_page() {
        let mut blob = std::vec![0; 16 << 20];
        let whole = sample(&blob);
        for page in [0, 1, 77, (16 << 8) - 1] {
            blob[page << 12..][..4096].fill(7);
            assert_ne!(sample(&blob), whole);
            blob[page << 12..][..4096].fill(0);
        }
    }

    #[test]
    fn bytes_are_seen_as_floats() {
        let mut blob = one_two();
        wide_mut::<f32>(blob.bytes_mut())[0] = 7.0;
        assert_eq!(wide::<f32>(&blob.bytes()[..11]), [7.0, 1.0]);
    }
}
