//! One stage: the consts that hold its kernel's numbers, and the calls that run it, as the kernel describes them.

mod operands;
mod value;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::emit::call::operands::Operands;
use crate::emit::call::value::Printer;
use crate::emit::scope::Scope;
use crate::kernels::spec::Extent;
use crate::kernels::value::{Callee, Invocation, Path, Value};
use crate::program::{Call, Reach, Span};
use crate::schedule::Stage;

/// Paths in the runtime that a kernel's consts and calls name.
pub(super) fn imports(stage: &Stage) -> Vec<String> {
    let (site, mut paths) = (stage.site(), Vec::new());
    for constant in stage.kernel.constants(&site) {
        paths.extend(
            [Some(constant.kind), constant.epilogue].into_iter().flatten().map(Path::import),
        );
    }
    if let Callee::Function(path) = stage.kernel.call(&site, Extent::All).callee {
        paths.push(path.import());
    }
    each_value(stage, &mut |value| match value {
        Value::Item(path) | Value::Made(path, _) | Value::Struct(path, _) => {
            paths.push(path.import());
        }
        Value::Ring(_) | Value::LongRing(_) | Value::Lying(_) | Value::ResultRow => {
            paths.push("ring::Rows".to_owned());
        }
        _ => {}
    });
    if stage.parts != [1, 1] {
        paths.push("simd::shared::Shares".to_owned());
    }
    paths
}

/// Tells `seen` of each value in a kernel's consts and in its call.
fn each_value(stage: &Stage, seen: &mut impl FnMut(&Value)) {
    let site = stage.site();
    let constants = stage.kernel.constants(&site).into_iter().map(|constant| constant.value);
    let Invocation { adding, arguments, .. } = stage.kernel.call(&site, Extent::All);
    constants.chain(adding).chain(arguments).for_each(|value| value.each(seen));
}

/// The consts that hold the kernel's numbers, if it has any.
pub(super) fn constants(scope: &Scope<'_>, at: usize, stage: &Stage) -> TokenStream {
    let printer = Printer::new(scope, at, stage);
    let constants = stage.kernel.constants(&stage.site());
    constants.iter().map(|constant| printer.constant(constant)).collect()
}

/// The statement that a call of a stage is.
pub(super) fn run(scope: &Scope<'_>, call: &Call, stage: &Stage) -> TokenStream {
    let mut operands = Operands::new(scope, call, stage);
    if call.reach == Reach::Slices {
        operands = operands.of_row(scope, stage);
    }
    let extent = match call.reach {
        Reach::Vectors(vectors) => Extent::Vectors(vectors),
        _ if call.rows == Span::below(stage.height) => Extent::All,
        _ => Extent::Some,
    };
    let printer = Printer { operands, ..Printer::new(scope, call.stage, stage) };
    let invocation = stage.kernel.call(&stage.site(), extent);
    if let Reach::ChannelShare(_) = call.reach {
        let (name, y) = (&printer.name, &printer.operands.y);
        let narrow = quote!(let panel = #name.with_channels(#y.len()););
        let run = Printer { name: format_ident!("panel"), ..printer }.statement(&invocation);
        return quote!(#narrow #run);
    }
    if let Reach::Parts(parts) = call.reach {
        return printer.shared(&invocation, parts);
    }
    let name = kernel(&printer.name, call.reach);
    Printer { name, ..printer }.statement(&invocation)
}

/// The statement that makes means of the sums of a stage's pool.
pub(super) fn finish(scope: &Scope<'_>, at: usize, stage: &Stage) -> TokenStream {
    let operands = Operands { y: scope.variable(stage.into), ..Operands::default() };
    let printer = Printer { operands, ..Printer::new(scope, at, stage) };
    let finish = stage.kernel.finish(&stage.site());
    finish.map(|finish| printer.statement(&finish)).unwrap_or_default()
}

/// The const of the kernel that a call runs.
fn kernel(name: &Ident, reach: Reach) -> Ident {
    match reach {
        Reach::FirstColumns => format_ident!("{name}_FIRST"),
        Reach::LastColumns => format_ident!("{name}_LAST"),
        _ => name.clone(),
    }
}
