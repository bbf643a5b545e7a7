//! Products of matrices that lie in rows.

use mnv2c_runtime::kernel::matmul::MatMul;
use mnv2c_runtime::simd::Scalar;

use crate::draw::each_draw;
use crate::guard::stays_inside;

#[test]
fn products_of_rows_stay_inside_whatever_their_fields_say() {
    each_draw(512, &|draw| {
        let (mut fields, lens) = draw.matmul();
        let (stack, left, right) = (fields.take::<2>(), fields.take(), fields.take());
        let [rows, depth, columns] = fields.take();
        let kernel = MatMul { stack, left, right, rows, depth, columns };
        stays_inside(lens, &|b: &[f32], a: &[f32], _, y: &mut [f32]| {
            kernel.run(Scalar::new(), a, b, y);
        })
    });
}
