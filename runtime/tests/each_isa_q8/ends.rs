//! Kernels before, after and between quantised convolutions, and the catalog's layouts of their weights.

use mnv2c_runtime::affine::{Affine, Arithmetic, Factor, Levels, Pair, Product, Share, Term};
use mnv2c_runtime::arena::Arena;
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::kernel::pool::{Divisor, Window, Windows};
use mnv2c_runtime::kernel::q8::border::{Quantize, dequantize, quantize};
use mnv2c_runtime::kernel::q8::elements::{
    add, add_assign, mul, mul_assign, product, product_assign, table, table_assign,
};
use mnv2c_runtime::kernel::q8::pool::{Averaged, QAverage, QMean};
use mnv2c_runtime::ring::Rows;
use mnv2c_runtime::simd::dots::Dots;
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512Vnni};
use mnv2c_runtime::simd::{Dsp, Plain, Scalar};
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::{Neon, NeonDot};

use super::value::{Form, Value, factor, random};
use super::{A, LEVELS, REALS, SUMS};

const PRODUCTS: [Pair; 3] = [
    REALS,
    Pair::Fixed {
        a: Term { zero: 131, factor: 15_900_000 },
        b: Term { zero: 40, factor: 1 },
        shift: 28,
        levels: Levels { zero: 120, lo: 3, hi: 255, arithmetic: Arithmetic::Fixed },
    },
    Pair::Twice {
        a: Share { zero: 131, factor: Factor::twice(0, 0) },
        b: Share { zero: 40, factor: Factor::twice(0, 0) },
        factor: Factor::twice(2_035_200_001, -4),
        levels: Levels { zero: 120, lo: 3, hi: 255, arithmetic: Arithmetic::Twice },
    },
];

/// Many of its products are halves.
const WHOLE: Product = Product {
    a: 131,
    b: 40,
    factor: 0.0625,
    early: -7.0,
    levels: Levels { zero: 128, lo: 3, hi: 255, arithmetic: Arithmetic::Float },
};

#[test]
fn ends_and_elements_give_the_bytes_of_plain_loops() {
    let reals: Vec<f32> = random(999).iter().map(|x| f32::from(*x) * 0.031 - 3.9).collect();
    let mut reals = reals;
    reals[5..9].copy_from_slice(&[f32::NAN, 1e30, -1e30, f32::INFINITY]);
    let (affine, bytes, other) = (A, random(999), random(998));
    for run in each_token!(simd, (x: &[f32], a: &[u8], b: &[u8], to: Affine) {
        for len in [0, 1, 15, 16, 37, 998] {
            let (x, a, b) = (&x[..len], &a[..len], &b[..len]);
            let (mut y, mut reals) = (vec![0; len], vec![0.0; len]);
            quantize(simd, to, x, &mut y);
            let expected: Vec<u8> = x.iter().map(|x| to.levels().byte(x / to.scale)).collect();
            assert_eq!(y, expected);
            dequantize(simd, to, a, &mut reals);
            assert_eq!(reals, a.iter().map(|q| to.real(*q)).collect::<Vec<f32>>());
            let pairs = || a.iter().zip(b);
            for (sum, product) in SUMS.into_iter().zip(PRODUCTS) {
                let added: Vec<u8> = pairs().map(|(a, b)| sum.add(*a, *b)).collect();
                add(simd, sum, a, b, &mut y);
                assert_eq!(y, added);
                y.copy_from_slice(a);
                add_assign(simd, sum, &mut y, b);
                assert_eq!(y, added);
                let multiplied: Vec<u8> = pairs().map(|(a, b)| product.mul(*a, *b)).collect();
                mul(simd, product, a, b, &mut y);
                assert_eq!(y, multiplied);
                y.copy_from_slice(a);
                mul_assign(simd, product, &mut y, b);
                assert_eq!(y, multiplied);
            }
            let multiplied: Vec<u8> = pairs().map(|(a, b)| WHOLE.mul(*a, *b)).collect();
            product(simd, WHOLE, a, b, &mut y);
            assert_eq!(y, multiplied);
            y.copy_from_slice(a);
            product_assign(simd, WHOLE, &mut y, b);
            assert_eq!(y, multiplied);
        }
    })
    .into_iter()
    .flatten()
    {
        run(&reals, &bytes, &other, affine);
    }
}

#[test]
fn a_table_is_looked_up() {
    let (squares, x): (Vec<u8>, _) =
        ((0..=255_u8).map(|x| x.wrapping_mul(x)).collect(), random(77));
    let expected: Vec<u8> = x.iter().map(|x| x.wrapping_mul(*x)).collect();
    let (mut y, mut over) = (vec![0; 77], x.clone());
    table(&squares, &x, &mut y);
    table_assign(&squares, &mut over);
    assert_eq!([&y, &over], [&expected, &expected]);
}

#[test]
fn images_are_quantised_from_planes_and_from_pixels() {
    let x: Vec<f32> = random(3 * 4 * 41).iter().map(|x| f32::from(*x) * 0.03 - 3.0).collect();
    for (channels, width) in [(3, 41), (3, 5), (1, 41), (4, 9), (6, 5)] {
        let image = [2, width, channels];
        for run in each_token!(simd, (x: &[f32], image: [usize; 3]) {
            let [height, width, channels] = image;
            let lanes = lanes(simd);
            let rows = Rows::nhwc(height + 1, width, channels).padded(1, 2, 1);
            let chunks = Rows::chunks(height + 1, width, channels, lanes).padded(1, 2, 1);
            let planes = Rows::planes(height, width, channels);
            for (from, into) in [(planes, rows), (Rows::nhwc(height, width, channels), rows), (planes, chunks)] {
                let to = Affine { scale: 0.02, zero: 117 };
                let (from, len, into) = (from.ring(lanes), into.len(), into.ring(lanes));
                let kernel = Quantize { from, into, width, channels, to };
                let mut y = vec![0xa5; len];
                kernel.run(simd, x, &mut y, 0..height);
                let mut expected = vec![0xa5; len];
                for at in 0..height * width * channels {
                    let (row, column, c) = (at / channels / width, at / channels % width, at % channels);
                    let source = if from.pixel == 1 && channels > 1 {
                        (c * height + row) * width + column
                    } else {
                        at
                    };
                    let lane = c / lanes * into.chunk + c % lanes;
                    expected[into.slot(row + 1) + column * into.pixel + lane] =
                        to.levels().byte(x[source] / to.scale);
                }
                assert_eq!(y, expected);
            }
        }).into_iter().flatten() {
            run(&x, image);
        }
    }
}

fn lanes<S: Dots>(_: S) -> usize {
    S::LANES
}

#[test]
fn means_are_the_same_in_vectors_and_row_by_row() {
    for (channels, levels) in
        [(1, LEVELS[1]), (8, LEVELS[4]), (17, LEVELS[1]), (40, LEVELS[3]), (40, LEVELS[6])]
    {
        let x = Value::new(Form::Nhwc, 4, [3, 5, channels], [0; 4], 9);
        let (by, zero) = (0.031, 9);
        let factor = factor(levels, by);
        let from = x.ring;
        let kernel = QMean { from, channels, height: 3, width: 5, zero, factor, levels };
        let sum =
            |c: usize| -> i32 { (0..15).map(|at| i32::from(x.at([at / 5, at % 5, c])) - 9).sum() };
        let bytes: Vec<u8> = (0..channels).map(|c| levels.of_sum(sum(c), factor)).collect();
        let reals: Vec<f32> = (0..channels).map(|c| sum(c) as f32 * by).collect();
        for run in each_token!(simd, (kernel: &QMean, x: &[u8], bytes: &[u8], reals: &[f32]) {
            let (mut y, mut floats) = (vec![0; bytes.len()], vec![0.0; bytes.len()]);
            kernel.run(simd, x, &mut y);
            QMean { factor: Factor::float(0.031), ..*kernel }.run_floats(simd, x, &mut floats);
            assert_eq!((y.as_slice(), floats.as_slice()), (bytes, reals));
        })
        .into_iter()
        .flatten()
        {
            run(&kernel, &x.memory(), &bytes, &reals);
        }
        let mut arena = Arena::<192>::new();
        let sums = arena.bytes_mut();
        for rows in [0..1, 1..3] {
            kernel.take(rows, &x.memory(), sums);
        }
        kernel.finish(channels, sums);
        assert_eq!(sums[..channels], bytes);
    }
}

#[test]
fn averages_of_windows_round_like_the_model() {
    let axis = |len| Window::over(len, 3).strided(2).padded(1, 1);
    let (from, into) = (Rows::nhwc(5, 4, 2).ring(1), Rows::nhwc(3, 2, 2).ring(1));
    let windows = Windows { from, into, channels: 2, down: axis(5), across: axis(4), width: 2 };
    let (x, affine, to) = (random(40), A, Affine { scale: 0.1, zero: 100 });
    let levels = Levels { arithmetic: Arithmetic::Fixed, ..to.levels() };
    let whole = Averaged::Fixed {
        zero: affine.zero,
        factor: factor(levels, affine.scale / to.scale),
        levels,
    };
    for divisor in [Divisor::Inside, Divisor::Padded] {
        let (mut y, mut fixed) = (vec![0; 12], vec![0; 12]);
        let scales = Averaged::Float { x: affine, y: to, early: 0.0 };
        QAverage { windows, divisor, scales }.run(0..3, &x, &mut y);
        QAverage { windows, divisor, scales: whole }.run(0..3, &x, &mut fixed);
        // None of these means is near a half.
        assert_eq!(y, fixed);
        for (at, y) in y.into_iter().enumerate() {
            let [row, column, c] = [at / 4, at / 2 % 2, at % 2];
            let inside = |at: usize, len: usize| {
                (0..3)
                    .filter_map(move |tap| (2 * at + tap).checked_sub(1))
                    .filter(move |i| *i < len)
            };
            let (mut sum, mut count) = (0.0, 0.0);
            for i in inside(row, 5) {
                for j in inside(column, 4) {
                    sum += affine.real(x[(i * 4 + j) * 2 + c]);
                    count += 1.0;
                }
            }
            let count =
                if divisor == Divisor::Padded { padded(row, 5) * padded(column, 4) } else { count };
            assert_eq!(y, to.levels().byte(sum / count / to.scale), "{at}");
        }
    }
}

#[test]
fn averages_of_a_whole_picture_are_the_same_row_by_row() {
    let axis = |len| Window::over(len, len).strided(len);
    let (from, into) = (Rows::nhwc(5, 4, 3).ring(1), Rows::nhwc(1, 1, 3).ring(1));
    let windows = Windows { from, into, channels: 3, down: axis(5), across: axis(4), width: 1 };
    let (x, to) = (random(60), Affine { scale: 0.1, zero: 100 });
    let levels = Levels { arithmetic: Arithmetic::Fixed, ..to.levels() };
    let factor = factor(levels, A.scale / to.scale);
    let scales = [
        Averaged::Float { x: A, y: to, early: 0.0 },
        Averaged::Fixed { zero: A.zero, factor, levels },
        Averaged::Twice { levels: Levels::u8_twice(128) },
    ];
    for scales in scales {
        let kernel = QAverage { windows, divisor: Divisor::Inside, scales };
        let mut y = vec![0; 3];
        kernel.run(0..1, &x, &mut y);
        let mut arena = Arena::<64>::new();
        let sums = arena.bytes_mut();
        sums.fill(7);
        for rows in [0..1, 1..4, 4..5] {
            kernel.take(rows, &x, sums);
        }
        kernel.finish(3, sums);
        assert_eq!(sums[..3], y);
    }
}

#[test]
fn averages_that_are_rounded_twice_go_away_from_the_middle() {
    let axis = Window { len: 2, taps: 2, stride: 2, dilation: 1, before: 0, after: 0 };
    let (from, into) = (Rows::nhwc(2, 2, 1).ring(1), Rows::nhwc(1, 1, 1).ring(1));
    let windows = Windows { from, into, channels: 1, down: axis, across: axis, width: 1 };
    let scales = Averaged::Twice { levels: Levels::u8_twice(128) };
    let kernel = QAverage { windows, divisor: Divisor::Inside, scales };
    for (x, mean) in
        [([128, 129, 129, 128], 129), ([128, 127, 127, 128], 127), ([0; 4], 0), ([255; 4], 255)]
    {
        let mut y = [7];
        kernel.run(0..1, &x, &mut y);
        assert_eq!(y, [mean]);
    }
}

/// Taps of window `at` in an image of `len` and one pixel of padding on both sides.
fn padded(at: usize, len: usize) -> f32 {
    (0..3).filter(|tap| 2 * at + tap < len + 2).count() as f32
}

#[test]
fn weights_lie_as_the_catalog_says() {
    fn check<S: Dots>(isa: Isa) {
        assert_eq!((S::QUADS, S::LIFT), (isa.quads(), isa.lift()), "{isa:?}");
    }
    check::<Scalar>(Isa::Scalar);
    check::<Plain>(Isa::Scalar);
    check::<Dsp>(Isa::Dsp);
    #[cfg(target_arch = "x86_64")]
    {
        check::<Avx2>(Isa::Avx2);
        check::<Avx512Vnni>(Isa::Avx512Vnni);
    }
    #[cfg(target_arch = "aarch64")]
    {
        check::<Neon>(Isa::Neon);
        check::<NeonDot>(Isa::NeonDot);
    }
}
