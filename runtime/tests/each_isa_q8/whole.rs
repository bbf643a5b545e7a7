//! Factors and operands of integers in vectors: lane for lane the bytes of `affine`, where steps end and where they overflow.

use mnv2c_runtime::affine::{Arithmetic, Factor, Levels, Pair, Share, Term};
use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::simd::dots::{Dots, Shares, Terms};
#[cfg(target_arch = "x86_64")]
use mnv2c_runtime::simd::{Avx2, Avx512Vnni};
use mnv2c_runtime::simd::{Dsp, Plain, Scalar};
#[cfg(target_arch = "aarch64")]
use mnv2c_runtime::simd::{Neon, NeonDot};

const LEVELS: [Levels; 3] = [
    Levels { zero: 0, lo: 0, hi: 255, arithmetic: Arithmetic::Fixed },
    Levels { zero: 255, lo: 0, hi: 255, arithmetic: Arithmetic::Fixed },
    Levels { zero: 131, lo: 9, hi: 200, arithmetic: Arithmetic::Fixed },
];

const MANTISSAS: [u32; 8] = [0, 1, 5, 1_000_003, (1 << 23) - 1, 1 << 23, 12_345_679, (1 << 24) - 1];

/// As many numbers as a vector has, over and over from the front.
fn vector<S: Dots>(simd: S, from: &[i32]) -> S::I32 {
    let mut all = simd.splat_i32(0);
    for (lane, x) in S::lanes(&mut all).iter_mut().zip(from.iter().cycle()) {
        *lane = *x;
    }
    all
}

/// Sums at the ends of what there is, and on both sides of where so great a factor makes a step more.
fn sums(mantissa: u32, shift: u32) -> Vec<i32> {
    let mut sums = vec![i32::MIN, i32::MIN + 1, i32::MAX, i32::MAX - 1, 0, 1, -1];
    for steps in [-300, -256, -255, -132, -131, -1, 0, 1, 99, 124, 255, 256, 300] {
        let edge = (2 * i128::from(steps) + 1) << (shift - 1);
        let sum = edge.div_euclid(i128::from(mantissa.max(1)));
        let sum = i32::try_from(sum).unwrap_or(if steps < 0 { i32::MIN } else { i32::MAX });
        sums.extend([sum.saturating_sub(1), sum, sum.saturating_add(1)]);
    }
    sums
}

#[test]
fn sums_are_rounded_as_written_down() {
    for run in each_token!(simd, (levels: Levels, mantissa: u32, shift: u32) {
        let factor = Factor::fixed(mantissa, shift);
        for sums in sums(mantissa, shift).chunks(4) {
            let mut bytes = simd.whole_of_sums(levels, vector(simd, sums), vector(simd, &[factor.0.cast_signed()]));
            check(simd, &mut bytes, sums, |sum| levels.of_sum(sum, factor));
        }
    })
    .into_iter()
    .flatten()
    {
        for (at, mantissa) in MANTISSAS.into_iter().enumerate() {
            (1..=60).for_each(|shift| run(LEVELS[at % 3], mantissa, shift));
        }
    }
}

#[test]
fn lanes_have_factors_of_their_own() {
    let sums: Vec<i32> = (0..16).map(|at| (at - 8) * 1_234_567).collect();
    let factors: Vec<Factor> =
        (0..16).map(|at| Factor::fixed((1 << 23) + 77_777 * at, 18 + 2 * at)).collect();
    for run in each_token!(simd, (sums: &[i32], factors: &[Factor]) {
        let by: Vec<i32> = factors.iter().map(|factor| factor.0.cast_signed()).collect();
        let mut bytes = simd.whole_of_sums(LEVELS[2], vector(simd, sums), vector(simd, &by));
        let mut at = 0;
        check(simd, &mut bytes, sums, |sum| {
            at += 1;
            LEVELS[2].of_sum(sum, factors[at - 1])
        });
    })
    .into_iter()
    .flatten()
    {
        run(&sums, &factors);
    }
}

#[test]
fn sums_and_products_of_terms_are_rounded_as_written_down() {
    let term = |zero, factor| Term { zero, factor };
    let sums = [1 << 29, (1 << 30) - 1, 1 << 30, 908_541_324, 1, 0];
    let products = [(1 << 24) - 1, 1 << 24, 15_900_000, 1 << 23, 1, 0];
    for run in each_token!(simd, (sum: Terms, product: Terms) {
        for x in (0..256).step_by(5) {
            let ys: Vec<i32> = (0..256).step_by(17).collect();
            for ys in ys.chunks(4) {
                let (xs, y) = (simd.splat_i32(x), vector(simd, ys));
                let mut bytes = simd.whole_sum(sum, [xs, y]);
                check(simd, &mut bytes, ys, |y| pair(sum).add(x as u8, y as u8));
                let mut bytes = simd.whole_product(product, [xs, y]);
                check(simd, &mut bytes, ys, |y| pair(product).mul(x as u8, y as u8));
            }
        }
    })
    .into_iter()
    .flatten()
    {
        for (turn, shift) in [1, 2, 9, 10, 11, 20, 24, 25, 26, 30, 38, 60].into_iter().enumerate() {
            let levels = LEVELS[turn % 3];
            let [a, b] = [sums[turn % 6], sums[(turn / 2 + 1) % 6]];
            let sum = Terms { of: [term(255, a), term(0, b)], shift, levels };
            let of = [term(3, products[turn % 6]), term(250, 1)];
            run(sum, Terms { of, shift, levels });
        }
    }
}

fn pair(Terms { of: [a, b], shift, levels }: Terms) -> Pair {
    Pair::Fixed { a, b, shift, levels }
}

/// The same levels, of steps that are rounded twice.
fn twice(levels: Levels) -> Levels {
    Levels { arithmetic: Arithmetic::Twice, ..levels }
}

/// Sums at the ends of what there is, and on both sides of where such a factor makes a step more.
fn sums_around_halves(mantissa: u32, exponent: i32) -> Vec<i32> {
    let mut sums = vec![i32::MIN, i32::MIN + 1, i32::MAX, i32::MAX - 1, 0, 1, -1];
    let real = f64::from(mantissa.max(1)) * f64::from(exponent - 31).exp2();
    for steps in [-300, -256, -131, -2, -1, 0, 1, 99, 124, 255, 300] {
        let sum = ((f64::from(steps) + 0.5) / real) as i32;
        sums.extend((-2..=2).map(|more| sum.saturating_add(more)));
    }
    sums
}

#[test]
fn sums_are_rounded_once_or_twice_as_written_down() {
    const MANTISSAS: [u32; 6] =
        [0, (1 << 31) - 1, 1 << 30, 1_234_567_891, 715_827_883, (1 << 30) + 1];
    for run in each_token!(simd, (levels: Levels, mantissa: u32, exponent: i32) {
        let factor = Factor::twice(mantissa, exponent);
        let by = [mantissa.cast_signed(), exponent].map(|x| simd.splat_i32(x));
        let once = Levels { arithmetic: Arithmetic::Once, ..levels };
        for sums in sums_around_halves(mantissa, exponent).chunks(4) {
            let mut bytes = simd.twice_of_sums(levels, vector(simd, sums), by);
            check(simd, &mut bytes, sums, |sum| levels.of_sum(sum, factor));
            let mut bytes = simd.once_of_sums(once, vector(simd, sums), by);
            check(simd, &mut bytes, sums, |sum| once.of_sum(sum, factor));
        }
    })
    .into_iter()
    .flatten()
    {
        for (at, mantissa) in MANTISSAS.into_iter().enumerate() {
            (-31..=30).for_each(|exponent| run(twice(LEVELS[at % 3]), mantissa, exponent));
        }
    }
}

#[test]
fn lanes_have_exponents_of_their_own() {
    let sums: Vec<i32> = (0..16).map(|at| (at - 8) * 12_345_678).collect();
    let factors: Vec<Factor> =
        (0..16).map(|at| Factor::twice((1 << 30) + 70_000_000 * at, 4 - 2 * at as i32)).collect();
    for run in each_token!(simd, (sums: &[i32], factors: &[Factor]) {
        let levels = twice(LEVELS[2]);
        let mantissas: Vec<i32> = factors.iter().map(|factor| factor.0.cast_signed()).collect();
        let exponents: Vec<i32> = factors.iter().map(|factor| factor.1).collect();
        let by = [vector(simd, &mantissas), vector(simd, &exponents)];
        let mut bytes = simd.twice_of_sums(levels, vector(simd, sums), by);
        let mut at = 0;
        check(simd, &mut bytes, sums, |sum| {
            at += 1;
            levels.of_sum(sum, factors[at - 1])
        });
    })
    .into_iter()
    .flatten()
    {
        run(&sums, &factors);
    }
}

#[test]
fn sums_and_products_are_rounded_twice_as_written_down() {
    for run in each_token!(simd, (shares: Shares) {
        let Shares { of: [a, b], factor, levels } = shares;
        let pair = Pair::Twice { a, b, factor, levels };
        for x in (0..256).step_by(5) {
            let ys: Vec<i32> = (0..256).step_by(17).collect();
            for ys in ys.chunks(4) {
                let (xs, y) = (simd.splat_i32(x), vector(simd, ys));
                let mut bytes = simd.twice_sum(shares, [xs, y]);
                check(simd, &mut bytes, ys, |y| pair.add(x as u8, y as u8));
                let mut bytes = simd.twice_product(shares, [xs, y]);
                check(simd, &mut bytes, ys, |y| pair.mul(x as u8, y as u8));
            }
        }
    })
    .into_iter()
    .flatten()
    {
        for turn in 0..12 {
            let less = 1_234_567_891 + 77_777 * turn;
            let (half, less) =
                (Factor::twice(1 << 30, 0), Factor::twice(less, -(turn.cast_signed() % 9)));
            let of = if turn % 2 == 0 { [half, less] } else { [less, half] };
            let of = [Share { zero: 255, factor: of[0] }, Share { zero: 40, factor: of[1] }];
            let factor = Factor::twice((1 << 30) + 99_999 * turn, -22 + 2 * turn.cast_signed());
            run(Shares { of, factor, levels: twice(LEVELS[turn as usize % 3]) });
        }
    }
}

/// Compares the bytes of a vector with those of its numbers.
fn check<S: Dots>(_: S, bytes: &mut S::I32, of: &[i32], mut expected: impl FnMut(i32) -> u8) {
    for (byte, of) in S::lanes(bytes).iter().zip(of.iter().cycle()) {
        assert_eq!(*byte, i32::from(expected(*of)), "{of}");
    }
}
