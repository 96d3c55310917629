//! A bidirectional LSTM layer over a batch of sequences, all sequences stepping together.

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdOp, SimdUnaryOp};
use rten_vecmath::{Sigmoid, Tanh};

use super::super::checkpoint::{CheckpointError, Scope};
use super::super::linear::{Linear, Write};

/// Sequences and gate columns that one pass over the recurrent weights serves: 4 x 16 sums fit the vector registers.
const ROW_BLOCK: usize = 4;
const PANEL: usize = 16;
/// The narrowest vectors have 4 lanes.
const MAX_VECTORS: usize = PANEL / 4;

/// Weights of one layer, both directions.
pub(super) struct LstmLayer {
    /// Input to gates, forward direction and backward direction side by side, both biases included.
    input: Linear,
    directions: [Recurrence; 2],
    hidden: usize,
}

/// Recurrent weights of one direction, gates in PyTorch's order input, forget, cell, output.
struct Recurrence {
    /// `[panels, hidden, 16]`: 16 neighbouring gate columns together, in the order in which they are multiplied; the
    /// last panel is filled up with zeros.
    panels: Vec<f32>,
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
        let (mut input_weight, mut input_bias) = (Vec::new(), Vec::new());
        let mut recurrence = |suffix: &str, order| {
            let weight = scope.tensor(&format!("weight_ih_l{layer}{suffix}"), &[n_gates, n_in])?;
            let mut bias = scope.tensor(&format!("bias_ih_l{layer}{suffix}"), &[n_gates])?;
            let recurrent_bias = scope.tensor(&format!("bias_hh_l{layer}{suffix}"), &[n_gates])?;
            bias.iter_mut().zip(recurrent_bias).for_each(|(bias, recurrent)| *bias += recurrent);
            input_weight.extend(weight);
            input_bias.extend(bias);
            let recurrent = scope.tensor(&format!("weight_hh_l{layer}{suffix}"), &[n_gates, hidden])?;
            Ok::<_, CheckpointError>(Recurrence { panels: to_panels(&recurrent, hidden), order })
        };
        let directions = [recurrence("", Order::Forward)?, recurrence("_reverse", Order::Backward)?];
        Ok(Self { input: Linear::in_f32(&input_weight, input_bias, n_in), directions, hidden })
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
            Recur { state: &state, panels: &self.panels, gates: &mut gates, hidden }.dispatch();
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

/// `[gates, hidden]`, as PyTorch stores it, to the order of [`Recurrence::panels`].
fn to_panels(weight: &[f32], hidden: usize) -> Vec<f32> {
    let n_gates = weight.len() / hidden;
    let n_panels = n_gates.div_ceil(PANEL);
    let mut panels = Vec::with_capacity(n_panels * PANEL * hidden);
    for panel in 0..n_panels {
        for unit in 0..hidden {
            let gates = panel * PANEL..(panel + 1) * PANEL;
            panels.extend(gates.map(|gate| if gate < n_gates { weight[gate * hidden + unit] } else { 0.0 }));
        }
    }
    panels
}

/// `gates += state · weight` for all sequences: a matrix product too small to be worth threads and packing.
struct Recur<'a> {
    state: &'a [f32],
    panels: &'a [f32],
    gates: &'a mut [f32],
    hidden: usize,
}

impl SimdOp for Recur<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Self { state, panels, gates, hidden } = self;
        for (panel, weights) in panels.chunks_exact(PANEL * hidden).enumerate() {
            let rows = state.chunks(ROW_BLOCK * hidden).zip(gates.chunks_mut(ROW_BLOCK * 4 * hidden));
            for (state, gates) in rows {
                if state.len() == ROW_BLOCK * hidden {
                    add_products::<I, ROW_BLOCK>(isa, state, weights, panel * PANEL, gates, hidden);
                } else {
                    for (state, gates) in state.chunks_exact(hidden).zip(gates.chunks_exact_mut(4 * hidden)) {
                        add_products::<I, 1>(isa, state, weights, panel * PANEL, gates, hidden);
                    }
                }
            }
        }
    }
}

/// One panel of weights times `ROWS` states, added to their gates from column `first` on.
///
/// # Shapes
/// `state` `[ROWS, hidden]`, `weights` `[hidden, 16]`, `gates` `[ROWS, 4 * hidden]`
#[inline(always)]
fn add_products<I: Isa, const ROWS: usize>(
    isa: I,
    state: &[f32],
    weights: &[f32],
    first: usize,
    gates: &mut [f32],
    hidden: usize,
) {
    let ops = isa.f32();
    let n_lanes = ops.len();
    let n_vectors = PANEL / n_lanes;
    let mut sums = [[ops.zero(); MAX_VECTORS]; ROWS];
    for (unit, weights) in weights.chunks_exact(PANEL).enumerate() {
        for (row, sums) in sums.iter_mut().enumerate() {
            let value = ops.splat(state[row * hidden + unit]);
            for (vector, sum) in sums.iter_mut().enumerate().take(n_vectors) {
                *sum = ops.mul_add(value, ops.load(&weights[vector * n_lanes..]), *sum);
            }
        }
    }
    for (gates, sums) in gates.chunks_exact_mut(4 * hidden).zip(sums) {
        let mut products = [0.0; PANEL];
        for (vector, sum) in sums.into_iter().enumerate().take(n_vectors) {
            ops.store(sum, &mut products[vector * n_lanes..]);
        }
        for (gate, product) in gates[first..].iter_mut().zip(products) {
            *gate += product;
        }
    }
}
