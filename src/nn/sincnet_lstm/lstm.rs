//! A bidirectional LSTM layer over a batch of sequences, all sequences stepping together.

use rten_simd::{Isa, SimdOp, SimdUnaryOp};
use rten_vecmath::{Sigmoid, Tanh};

use super::super::checkpoint::{CheckpointError, Scope};
use super::super::linear::{Linear, Write};

/// Sequences and gate columns that one pass over the recurrent weights serves: 4 x 32 sums fit the vector registers.
const ROW_BLOCK: usize = 4;
const COLUMN_BLOCK: usize = 32;

/// Weights of one layer, both directions.
pub(super) struct LstmLayer {
    /// Input to gates, forward direction and backward direction side by side, both biases included.
    input: Linear,
    directions: [Recurrence; 2],
    hidden: usize,
}

/// Recurrent weights of one direction, `[hidden, 4 * hidden]`; gates in PyTorch's order input, forget, cell, output.
struct Recurrence {
    weight: Vec<f32>,
    order: Order,
}

#[derive(Clone, Copy)]
enum Order {
    Forward,
    Backward,
}

impl LstmLayer {
    /// Takes layer `layer` of a `torch.nn.LSTM`.
    pub(super) fn load(scope: &Scope<'_>, layer: usize, n_in: usize, hidden: usize) -> Result<Self, CheckpointError> {
        let n_gates = 4 * hidden;
        let mut inputs = Vec::new();
        let mut recurrence = |suffix: &str, order| {
            let weight = scope.tensor(&format!("weight_ih_l{layer}{suffix}"), &[n_gates, n_in])?;
            let mut bias = scope.tensor(&format!("bias_ih_l{layer}{suffix}"), &[n_gates])?;
            let recurrent_bias = scope.tensor(&format!("bias_hh_l{layer}{suffix}"), &[n_gates])?;
            bias.iter_mut().zip(recurrent_bias).for_each(|(bias, recurrent)| *bias += recurrent);
            inputs.push((weight, bias));
            let recurrent = scope.tensor(&format!("weight_hh_l{layer}{suffix}"), &[n_gates, hidden])?;
            let weight = (0..hidden).flat_map(|unit| recurrent.iter().skip(unit).step_by(hidden).copied()).collect();
            Ok::<_, CheckpointError>(Recurrence { weight, order })
        };
        let directions = [recurrence("", Order::Forward)?, recurrence("_reverse", Order::Backward)?];
        Ok(Self { input: Linear::fused(&inputs, n_in), directions, hidden })
    }

    /// Runs the layer over `n_sequences` sequences of equal length.
    ///
    /// # Shapes
    /// `x` `[frames, sequences, n_in]`; returns `[frames, sequences, 2 * hidden]`, forward then backward.
    pub(super) fn forward(&self, x: &[f32], n_sequences: usize) -> Vec<f32> {
        let n_gates = 4 * self.hidden;
        let n_rows = x.len() / self.input.n_in();
        let mut gates = vec![0.0; n_rows * 2 * n_gates];
        self.input.forward(x, &mut gates, Write::Replace);
        let run =
            |direction: usize| self.directions[direction].run(&gates, direction * n_gates, n_sequences, self.hidden);
        let (forward, backward) = rayon::join(|| run(0), || run(1));
        let mut out = Vec::with_capacity(2 * forward.len());
        for (forward, backward) in forward.chunks_exact(self.hidden).zip(backward.chunks_exact(self.hidden)) {
            out.extend_from_slice(forward);
            out.extend_from_slice(backward);
        }
        out
    }
}

impl Recurrence {
    /// # Shapes
    /// `inputs` `[frames, sequences, 8 * hidden]`, of which this direction's gates begin at `first_gate`; returns
    /// `[frames, sequences, hidden]`.
    fn run(&self, inputs: &[f32], first_gate: usize, n_sequences: usize, hidden: usize) -> Vec<f32> {
        let n_gates = 4 * hidden;
        let n_frames = inputs.len() / (2 * n_gates * n_sequences);
        let frame_width = n_sequences * hidden;
        let mut out = vec![0.0; n_frames * frame_width];
        let mut gates = vec![0.0; n_sequences * n_gates];
        let mut cells = vec![0.0_f32; frame_width];
        let mut cells_tanh = vec![0.0; frame_width];
        let mut state = vec![0.0; frame_width];
        for step in 0..n_frames {
            let frame = match self.order {
                Order::Forward => step,
                Order::Backward => n_frames - 1 - step,
            };
            for (sequence, gates) in gates.chunks_exact_mut(n_gates).enumerate() {
                let row = (frame * n_sequences + sequence) * 2 * n_gates;
                gates.copy_from_slice(&inputs[row + first_gate..][..n_gates]);
            }
            Recur { state: &state, weight: &self.weight, gates: &mut gates, hidden }.dispatch();
            for (gates, cell) in gates.chunks_exact_mut(n_gates).zip(cells.chunks_exact_mut(hidden)) {
                let (input_forget, rest) = gates.split_at_mut(2 * hidden);
                let (candidate, output) = rest.split_at_mut(hidden);
                Sigmoid {}.map_mut(input_forget);
                Tanh {}.map_mut(candidate);
                Sigmoid {}.map_mut(output);
                let (input, forget) = input_forget.split_at(hidden);
                for (((cell, input), forget), candidate) in cell.iter_mut().zip(input).zip(forget).zip(&*candidate) {
                    *cell = forget * *cell + input * candidate;
                }
            }
            cells_tanh.copy_from_slice(&cells);
            Tanh {}.map_mut(&mut cells_tanh);
            let rows = gates.chunks_exact(n_gates).zip(cells_tanh.chunks_exact(hidden));
            for ((gates, cell), state) in rows.zip(state.chunks_exact_mut(hidden)) {
                for ((state, output), cell) in state.iter_mut().zip(&gates[3 * hidden..]).zip(cell) {
                    *state = output * cell;
                }
            }
            out[frame * frame_width..][..frame_width].copy_from_slice(&state);
        }
        out
    }
}

/// `gates += state · weight` for all sequences. A matrix product too small for a threaded one: plain loops, compiled for
/// each instruction set; `dispatch` picks one at run time.
struct Recur<'a> {
    state: &'a [f32],
    weight: &'a [f32],
    gates: &'a mut [f32],
    hidden: usize,
}

impl SimdOp for Recur<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        let n_gates = 4 * self.hidden;
        let blocks = self.state.chunks(ROW_BLOCK * self.hidden).zip(self.gates.chunks_mut(ROW_BLOCK * n_gates));
        for (state, gates) in blocks {
            let n_rows = state.len() / self.hidden;
            for first in (0..n_gates).step_by(COLUMN_BLOCK) {
                let n_columns = COLUMN_BLOCK.min(n_gates - first);
                let mut sums = [[0.0_f32; COLUMN_BLOCK]; ROW_BLOCK];
                if n_rows == ROW_BLOCK && n_columns == COLUMN_BLOCK {
                    for (unit, weights) in self.weight.chunks_exact(n_gates).enumerate() {
                        let weights: &[f32; COLUMN_BLOCK] =
                            weights[first..].first_chunk().expect("a full block of columns");
                        for (row, sums) in sums.iter_mut().enumerate() {
                            let value = state[row * self.hidden + unit];
                            for column in 0..COLUMN_BLOCK {
                                sums[column] += value * weights[column];
                            }
                        }
                    }
                } else {
                    for (unit, weights) in self.weight.chunks_exact(n_gates).enumerate() {
                        for (row, sums) in sums.iter_mut().take(n_rows).enumerate() {
                            let value = state[row * self.hidden + unit];
                            for (sum, weight) in sums.iter_mut().zip(&weights[first..first + n_columns]) {
                                *sum += value * weight;
                            }
                        }
                    }
                }
                for (gates, sums) in gates.chunks_exact_mut(n_gates).zip(&sums) {
                    for (gate, sum) in gates[first..first + n_columns].iter_mut().zip(sums) {
                        *gate += sum;
                    }
                }
            }
        }
    }
}
