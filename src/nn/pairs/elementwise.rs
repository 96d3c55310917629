//! What is done with single numbers before and between products: plain loops, which [`super::Pairs`] has compiled for the
//! processor.

use pulp::NullaryFnOnce;

/// Partial results that the compiler keeps in vector registers.
const LANES: usize = 32;

/// Added to a number below 2²², leaves no bits for a fraction: the low bits are the rounded number.
pub(super) const TO_INTEGER: f32 = 12_582_912.0;

/// Largest absolute value; infinite or not a number where one of them is.
pub(super) struct Largest<'a> {
    pub(super) values: &'a [f32],
}

impl NullaryFnOnce for Largest<'_> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        // Of numbers without a sign the order is that of their bits, and what is not finite comes last.
        let bits = |value: &f32| value.abs().to_bits();
        let (blocks, rest) = self.values.as_chunks::<LANES>();
        let mut largest = [0; LANES];
        for block in blocks {
            for (largest, value) in largest.iter_mut().zip(block) {
                *largest = bits(value).max(*largest);
            }
        }
        f32::from_bits(rest.iter().map(bits).chain(largest).fold(0, u32::max))
    }
}

/// `value * to_levels`, rounded to integers.
pub(super) struct ToLevels<'a> {
    pub(super) values: &'a [f32],
    pub(super) to_levels: f32,
    pub(super) levels: &'a mut [i16],
}

impl NullaryFnOnce for ToLevels<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (level, value) in self.levels.iter_mut().zip(self.values) {
            *level = (value * self.to_levels + TO_INTEGER).to_bits() as i16;
        }
    }
}

/// Replaces each value by `2^(value - largest)` and returns their sum.
pub(super) struct Exp2<'a> {
    pub(super) values: &'a mut [f32],
}

impl NullaryFnOnce for Exp2<'_> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        let mut tops = [f32::NEG_INFINITY; LANES];
        let (blocks, rest) = self.values.as_chunks::<LANES>();
        for block in blocks {
            for (top, value) in tops.iter_mut().zip(block) {
                *top = if *value > *top { *value } else { *top };
            }
        }
        let top = rest.iter().chain(&tops).copied().fold(f32::NEG_INFINITY, f32::max);
        let (blocks, rest) = self.values.as_chunks_mut::<LANES>();
        let mut sums = [0.0; LANES];
        for block in blocks {
            for (sum, value) in sums.iter_mut().zip(block) {
                *value = exp2(*value - top);
                *sum += *value;
            }
        }
        let mut sum = sums.iter().sum();
        for value in rest {
            *value = exp2(*value - top);
            sum += *value;
        }
        sum
    }
}

/// `2^x` for `x` up to 0, right to six digits.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    /// Below this, results are no normal numbers any more.
    const LOWEST: f32 = -126.0;
    const MANTISSA_BITS: u32 = 23;
    // 2^x = 2^n 2^f with an integer n and f between -1/2 and 1/2. A shift puts n into the exponent's bits; the polynomial
    // is Taylor's, whose next term is below 4e-6 at the ends, with the last coefficient moved to halve that.
    let x = if x > LOWEST { x } else { LOWEST };
    let shifted = x + TO_INTEGER;
    let f = x - (shifted - TO_INTEGER);
    let polynomial = 1.338_22e-3_f32;
    let polynomial = polynomial.mul_add(f, 9.618_13e-3);
    let polynomial = polynomial.mul_add(f, 5.550_411e-2);
    let polynomial = polynomial.mul_add(f, 0.240_226_5);
    let polynomial = polynomial.mul_add(f, std::f32::consts::LN_2);
    let polynomial = polynomial.mul_add(f, 1.0);
    f32::from_bits(polynomial.to_bits().wrapping_add(shifted.to_bits() << MANTISSA_BITS))
}

#[cfg(test)]
mod tests {
    use super::super::Pairs;

    #[test]
    fn powers_of_two_have_six_digits() {
        let values: Vec<f32> = (0..2000).map(|n| n as f32 * -0.013).chain([-200.0, f32::NEG_INFINITY]).collect();
        let mut powers = values.clone();
        let sum = Pairs::detect().exp2(&mut powers);
        for (value, power) in values.iter().zip(&powers) {
            let expected = value.max(-126.0).exp2();
            assert!((power / expected - 1.0).abs() < 5e-6, "2^{value} is not {power}");
        }
        assert!((sum / powers.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
