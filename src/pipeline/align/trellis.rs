//! Scores of labels become the frames of each character: the likeliest way to read a text out of them, after the
//! trellis and the backtracking of whisperX 3.8.6 (`alignment.py`), which are those of torchaudio's tutorial on forced
//! alignment.

use std::ops::Range;

use super::emissions::Emissions;

/// One frame on the way through the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathStep {
    /// Index of the token that is being said.
    pub token: usize,
    /// The frame.
    pub frame: usize,
    /// Probability of the token where it begins, of the blank where it goes on.
    pub probability: f64,
}

/// The frames of one token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenFrames {
    /// Its frames, one at least.
    pub frames: Range<usize>,
    /// Mean probability over them.
    pub probability: f64,
}

/// The likeliest way through `tokens`, columns of the emissions, in order of time; `None` where there are more tokens
/// than frames. `on_row` sees the rows of the trellis as they are computed.
///
/// Cell `(t, j)` of the trellis is the score of having said `j` tokens after `t` frames:
/// ```text
/// trellis[t + 1, j] = max(trellis[t, j] + blank, trellis[t, j - 1] + token j)
/// ```
/// Nothing is said in its first column, where the blanks are added up, until only as many frames are left as there are
/// tokens; from there on it is infinite, so that the first token begins. The last token ends where the last column is
/// highest. Of the trellis, which takes four bytes per cell, only one row is kept; of each cell only which of the two
/// was higher, which is what the way back asks.
///
/// # Shapes
/// A row has `tokens + 1` cells; there are `frames + 1` rows.
pub fn best_path(
    emissions: &Emissions,
    tokens: &[usize],
    blank: usize,
    mut on_row: impl FnMut(&[f32]),
) -> Option<Vec<PathStep>> {
    let (n_frames, n_tokens) = (emissions.n_frames(), tokens.len());
    if n_tokens == 0 {
        return None;
    }
    let first_forced = (n_frames + 1).saturating_sub(n_tokens);
    let mut row = vec![f32::NEG_INFINITY; n_tokens + 1];
    row[0] = if first_forced == 0 { f32::INFINITY } else { 0.0 };
    let mut next = row.clone();
    on_row(&row);
    // PyTorch adds up `float32` in `float64`.
    let mut sum_of_blanks = 0.0_f64;
    let mut begins = Vec::with_capacity(n_frames * n_tokens);
    let (mut highest, mut n_path_frames) = (row[n_tokens], 0);
    for (frame, scores) in emissions.rows().enumerate() {
        let score_of_blank = scores[blank];
        sum_of_blanks += f64::from(score_of_blank);
        next[0] = if frame + 1 >= first_forced { f32::INFINITY } else { sum_of_blanks as f32 };
        for ((cell, before), token) in next[1..].iter_mut().zip(row.windows(2)).zip(tokens) {
            let begun = before[0] + scores[*token];
            let gone_on = before[1] + score_of_blank;
            *cell = begun.max(gone_on);
            begins.push(begun > gone_on);
        }
        std::mem::swap(&mut row, &mut next);
        on_row(&row);
        if row[n_tokens] > highest {
            (highest, n_path_frames) = (row[n_tokens], frame + 1);
        }
    }

    let mut path = Vec::new();
    let mut token = n_tokens - 1;
    for frame in (0..n_path_frames).rev() {
        let begins_here = begins[frame * n_tokens + token];
        let column = if begins_here { tokens[token] } else { blank };
        let probability = f64::from(emissions.row(frame)[column].exp());
        path.push(PathStep { token, frame, probability });
        if begins_here {
            if token == 0 {
                path.reverse();
                return Some(path);
            }
            token -= 1;
        }
    }
    None
}

/// The frames of each token on a path, which has them all.
pub fn merge_repeats(path: &[PathStep]) -> Vec<TokenFrames> {
    let merged = path.chunk_by(|a, b| a.token == b.token).map(|steps| {
        let sum: f64 = steps.iter().map(|step| step.probability).sum();
        let (start, end) = (steps[0].frame, steps[steps.len() - 1].frame + 1);
        TokenFrames { frames: start..end, probability: sum / steps.len() as f64 }
    });
    merged.collect()
}
