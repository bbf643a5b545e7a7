//! Check that an image file is whole: decoders fill in what is missing, and a network would answer for that.
//!
//! A PNG's chunks have checksums, and the last is IEND. A JPEG has neither; that it ends with its own marker, and that a
//! strict decoder has nothing to say, is all that can be known.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The start of a JPEG.
const SOI: &[u8] = &[0xFF, 0xD8];
/// Markers of a JPEG: its end, and the head of coded pixels.
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;

/// The damage of a PNG or a JPEG, if there is any; other files are the decoder's to refuse.
pub(super) fn fault(file: &[u8]) -> Option<String> {
    if let Some(chunks) = file.strip_prefix(PNG) {
        return chunks_fault(chunks);
    }
    let segments = file.strip_prefix(SOI)?;
    if !reaches_end(segments) {
        return Some("ends before its picture does".into());
    }
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let decoded = JpegDecoder::new_with_options(ZCursor::new(file), options).decode();
    decoded.err().map(|error| format!("is damaged: {error}"))
}

fn chunks_fault(mut chunks: &[u8]) -> Option<String> {
    let cut = Some("ends before its picture does".into());
    loop {
        let Some((len, rest)) = chunks.split_first_chunk::<4>() else { return cut };
        let len = u32::from_be_bytes(*len) as usize;
        let Some((chunk, rest)) = rest.split_at_checked(len.saturating_add(4)) else { return cut };
        let Some((sum, rest)) = rest.split_first_chunk::<4>() else { return cut };
        let kind = &chunk[..4];
        // What is no part of the picture has a small letter first.
        if kind[0].is_ascii_uppercase() && crc32fast::hash(chunk) != u32::from_be_bytes(*sum) {
            let kind = String::from_utf8_lossy(kind);
            return Some(format!("is damaged: the checksum of its part {kind:?} is wrong"));
        }
        if kind == b"IEND" {
            return None;
        }
        chunks = rest;
    }
}

/// True if the segments of a JPEG lead to the marker of its end.
fn reaches_end(mut segments: &[u8]) -> bool {
    while let Some(at) = segments.windows(2).position(is_marker) {
        let (marker, rest) = (segments[at + 1], &segments[at + 2..]);
        let Some((len, _)) = rest.split_first_chunk::<2>() else { return marker == EOI };
        let len = if marker == SOS { 0 } else { usize::from(u16::from_be_bytes(*len)) };
        match rest.get(len..) {
            _ if marker == EOI => return true,
            Some(rest) => segments = rest,
            None => return false,
        }
    }
    false
}

/// True if two bytes are a marker, and not coded pixels, fill or a restart between them.
fn is_marker(pair: &[u8]) -> bool {
    pair[0] == 0xFF && !matches!(pair[1], 0 | 0x01 | 0xD0..=0xD7 | 0xFF)
}
