//! Link scripts: which memory of a board holds which part of a network's firmware.

use crate::error::{Error, Result};
use crate::executable::firmware::STACK_BYTES;
use crate::target::{Board, Region};

/// Bytes of near memory that are left for code, and for what the firmware keeps beside the arena.
const SPARE_BYTES: usize = 1 << 20;

/// Bytes of a network's large parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Weights and inputs.
    pub(super) code_bytes: usize,
    /// The arena and outputs.
    pub(super) data_bytes: usize,
}

/// The link script of firmware that begins at the symbol `start`.
pub(super) fn script(board: &Board, start: &str, room: Room) -> Result<String> {
    let Room { code_bytes, data_bytes } = room;
    let weights = if code_bytes + SPARE_BYTES <= board.code.bytes { "CODE" } else { "FAR" };
    let arena = if data_bytes + SPARE_BYTES <= board.data.bytes { "DATA" } else { "FAR" };
    let far = [(weights, code_bytes), (arena, data_bytes)];
    let far =
        far.iter().filter(|(memory, _)| *memory == "FAR").map(|(_, bytes)| bytes).sum::<usize>();
    if far > board.far.bytes {
        let [needed, has] = [far, board.far.bytes].map(|bytes| bytes >> 10);
        return Err(Error::Program(format!(
            "weights, inputs and arena take {needed} KiB of the emulated board's {has} KiB"
        )));
    }
    let Board { boot, code, data, far, .. } = board;
    let memories = [("BOOT", boot), ("CODE", code), ("DATA", data), ("FAR", far)];
    let memories: String = memories.iter().map(|(name, region)| memory(name, region)).collect();
    Ok(format!(
        "ENTRY({start})\nMEMORY {{\n{memories}}}\nREGION_ALIAS(\"WEIGHTS\", {weights});\n\
         REGION_ALIAS(\"ARENA\", {arena});\nSTACK_BYTES = {STACK_BYTES};\n{SECTIONS}"
    ))
}

fn memory(name: &str, region: &Region) -> String {
    format!("  {name} : ORIGIN = {:#x}, LENGTH = {}\n", region.origin, region.bytes)
}

/// Code and constants of the network lie between two symbols; what the firmware itself needs is elsewhere.
const SECTIONS: &str = "\
SECTIONS {
  .vectors : { KEEP(*(.vectors)) } > BOOT
  .harness : { *(.harness) } > CODE
  .text : {
    _text_start = .;
    *(.text .text.*)
    *(.rodata .rodata.* .srodata .srodata.*)
    _text_end = .;
  } > CODE
  .weights : { *(.weights) *(.inputs) } > WEIGHTS
  .data : {
    _data_start = .;
    *(.data .data.*)
    __global_pointer$ = . + 0x800;
    *(.sdata .sdata.*)
    _data_end = .;
  } > DATA
  .stack (NOLOAD) : ALIGN(16) { _stack_low = .; . += STACK_BYTES; _stack_top = .; } > DATA
  .bss (NOLOAD) : { *(.sbss .sbss.* .bss .bss.*) } > ARENA
  /DISCARD/ : { *(.ARM.exidx* .ARM.extab* .eh_frame* .comment .note*) }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(code_bytes: usize, data_bytes: usize) -> String {
        let script = script(&Board::MPS2_AN386, "reset", Room { code_bytes, data_bytes });
        let script = script.map_err(|error| error.to_string());
        let shown = |script: String| {
            let aliases = script.lines().filter_map(|line| line.strip_prefix("REGION_ALIAS("));
            aliases.collect::<String>()
        };
        script.map_or_else(|error| error, shown)
    }

    #[test]
    fn what_is_too_large_for_near_memory_lies_far() {
        assert_eq!(aliases(1 << 20, 1 << 20), r#""WEIGHTS", CODE);"ARENA", DATA);"#);
        assert_eq!(aliases(4 << 20, 1 << 20), r#""WEIGHTS", FAR);"ARENA", DATA);"#);
        assert_eq!(aliases(1 << 20, 8 << 20), r#""WEIGHTS", CODE);"ARENA", FAR);"#);
        let error = aliases(14 << 20, 6 << 20);
        assert!(error.contains("20480 KiB of the emulated board's 16384 KiB"), "{error}");
    }
}
