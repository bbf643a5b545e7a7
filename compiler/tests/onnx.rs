//! Tests of the ONNX reader on small models, built here from the bindings.

#[path = "onnx/asymmetric.rs"]
mod asymmetric;
#[path = "onnx/attention.rs"]
mod attention;
#[path = "onnx/bad.rs"]
mod bad;
#[path = "onnx/biased.rs"]
mod biased;
#[path = "onnx/build.rs"]
mod build;
#[path = "onnx/bytes.rs"]
mod bytes;
#[path = "onnx/composed.rs"]
mod composed;
#[path = "onnx/constants.rs"]
mod constants;
#[path = "onnx/control.rs"]
mod control;
#[path = "onnx/cut.rs"]
mod cut;
#[path = "onnx/forms.rs"]
mod forms;
#[path = "onnx/hostile.rs"]
mod hostile;
#[path = "onnx/indexed.rs"]
mod indexed;
#[path = "onnx/padded.rs"]
mod padded;
#[path = "onnx/pads.rs"]
mod pads;
#[path = "onnx/pixels.rs"]
mod pixels;
#[path = "onnx/quantized.rs"]
mod quantized;
#[path = "onnx/ranked.rs"]
mod ranked;
#[path = "onnx/raw.rs"]
mod raw;
#[path = "onnx/recorded.rs"]
mod recorded;
#[path = "onnx/recurrent.rs"]
mod recurrent;
#[path = "onnx/resample.rs"]
mod resample;
#[path = "onnx/resize.rs"]
mod resize;
#[path = "onnx/rewritten.rs"]
mod rewritten;
#[path = "onnx/running.rs"]
mod running;
#[path = "onnx/shapes.rs"]
mod shapes;
#[path = "onnx/support.rs"]
mod support;
#[path = "onnx/suppressed.rs"]
mod suppressed;
#[path = "onnx/truths.rs"]
mod truths;
#[path = "onnx/volume.rs"]
mod volume;
#[path = "onnx/weights.rs"]
mod weights;
