//! Destinations of files: behind links, into pipes and devices, and never over their sources.

use mnv2c::proto::tensor_proto::{DataLocation, DataType};
use mnv2c::proto::{StringStringEntryProto, TensorProto};

use crate::build::{Model, raw_tensor};
use crate::place::{Place, TINY, averages};

fn place() -> Place {
    let place = Place::new();
    place.put("tiny.toml", TINY.as_bytes());
    place.put("net.onnx", &averages().bytes());
    place
}

#[test]
fn what_a_model_is_read_from_is_not_written_over() {
    let place = place();
    place.put("far.onnx", &weights_in("far.bin").bytes());
    place.put("far.bin", &[0; 12]);
    place.put_array("calib.npy", &[1, 3, 4, 4], |i| i as f32);
    let before = place.names();
    for line in [
        "compile far.onnx -o far.rs",
        "compile net.onnx -o ./net.onnx --standalone",
        "build net.onnx -o net.onnx",
        "report net.onnx -o net.onnx",
        "plan net.onnx --svg net.onnx",
        "quantize net.onnx --calib calib.npy -o net.onnx",
    ] {
        place.mnv2c(line).fails(3, &["the model is read from it; write to another file"]);
    }
    place.mnv2c("compile tiny.toml --seed 1 -o net.bin").fails(3, &["net.bin", "name another"]);
    assert_eq!(place.names(), before);
    assert_eq!(std::fs::read(place.path("net.onnx")).ok(), Some(averages().bytes()));
}

/// A model whose weights lie in a file of their own.
fn weights_in(file: &str) -> Model {
    let place = StringStringEntryProto { key: "location".into(), value: file.into() };
    let w = TensorProto {
        data_location: DataLocation::External.into(),
        external_data: vec![place],
        ..raw_tensor("w", DataType::Float, &[1, 3], vec![])
    };
    let model = Model::opset(13).input("x", &[1, 3]).tensor(w);
    model.node("Add", &["x", "w"], &["y"], vec![]).output("y")
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::unix::fs::{FileTypeExt, symlink};

    use super::*;

    /// Verbs that write a file, up to its name.
    const WRITERS: [&str; 5] = [
        "compile net.onnx --standalone -o",
        "build net.onnx -o",
        "report net.onnx -o",
        "plan net.onnx --svg",
        "quantize net.onnx --calib calib.npy -o",
    ];

    fn place() -> Place {
        let place = super::place();
        place.put_array("calib.npy", &[1, 3, 4, 4], |i| i as f32);
        place
    }

    #[test]
    fn every_verb_writes_behind_links_and_into_devices() {
        let place = place();
        place.put("far/readme", b"");
        symlink("far/file", place.path("link")).expect("links can be made");
        for line in WRITERS {
            let _ = std::fs::remove_file(place.path("far/file"));
            place.mnv2c(&format!("{line} link")).well();
            assert!(place.path("link").is_symlink(), "{line}");
            assert!(place.path("far/file").is_file(), "{line}");
            place.mnv2c(&format!("{line} /dev/null")).well();
            place.mnv2c(&format!("{line} /dev/full")).fails(3, &["/dev/full: cannot be written"]);
            let kind = std::fs::metadata("/dev/null").expect("it is there").file_type();
            assert!(kind.is_char_device(), "{line}");
        }
        assert_eq!(place.names(), ["calib.npy", "far", "link", "net.onnx", "tiny.toml"]);
    }

    #[test]
    fn standard_output_holds_the_file_and_nothing_else() {
        let place = place();
        let said = place.mnv2c("compile tiny.toml --seed 7 --standalone -o /dev/stdout");
        assert!(said.err.contains("arena"), "{said:?}");
        place.mnv2c("compile tiny.toml --seed 7 --standalone -o net.rs").well();
        assert_eq!(said.well(), place.text("net.rs"));
        let said = place.mnv2c("compile tiny.toml --seed 7 -o /dev/fd/1");
        assert!(said.err.contains("so the weights are not written; pass --standalone"), "{said:?}");
        assert!(said.well().starts_with("//! "));
        assert!(!std::path::Path::new("/dev/fd/1.bin").exists());
        let drawn = place.mnv2c("plan tiny.toml --seed 7 --svg /dev/stdout --format json");
        assert!(drawn.err.contains("\"arena_bytes\""), "{drawn:?}");
        assert!(drawn.well().starts_with("<svg"));
    }

    #[test]
    fn weights_lie_beside_the_link_that_names_the_code() {
        let place = place();
        place.put("far/readme", b"");
        symlink("far/code.rs", place.path("net.rs")).expect("links can be made");
        let line = "compile tiny.toml --seed 7 -o net.rs";
        place.mnv2c(line).well();
        place.mnv2c(&format!("{line} --check")).well();
        assert!(place.text("far/code.rs").contains("\"net.bin\""));
        assert!(place.path("net.bin").is_file() && !place.path("far/code.bin").exists());
    }
}
