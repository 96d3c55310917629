//! LocalAgreement-2: what two successive transcripts of a growing utterance begin with in common is sure.

use crate::nn::whisper::{TokenId, TokenizedWord};

/// The text of an utterance that goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Agreement {
    committed: Vec<TokenizedWord>,
    /// What the last transcript said after that.
    provisional: Vec<TokenizedWord>,
}

impl Agreement {
    /// What the next transcript must begin with: all that is sure but for its last word. That one is said again, for
    /// many models are not allowed to end before they have said something.
    pub(super) fn opening(&self) -> Vec<TokenId> {
        let n_words = self.committed.len().saturating_sub(1);
        self.committed[..n_words].iter().flat_map(|word| word.tokens.iter().copied()).collect()
    }

    /// Takes the words of a transcript that follow [`Self::opening`], and says how many words are sure since now.
    pub(super) fn hear(&mut self, words: Vec<TokenizedWord>) -> usize {
        let mut words = self.after_committed(words);
        let agreed = words.iter().zip(&self.provisional).take_while(|(new, old)| new.text == old.text);
        let n_agreed = agreed.count();
        self.provisional = words.split_off(n_agreed);
        self.committed.extend(words);
        n_agreed
    }

    /// Takes the words of the last transcript, likewise: all of them are sure.
    pub(super) fn settle(&mut self, words: Vec<TokenizedWord>) {
        let words = self.after_committed(words);
        self.committed.extend(words);
        self.provisional.clear();
    }

    /// The last transcript was the last of all.
    pub(super) fn settle_as_heard(&mut self) {
        self.committed.append(&mut self.provisional);
    }

    /// What seemed so is not sure, and no transcript will come any more.
    pub(super) fn give_up(&mut self) {
        self.provisional.clear();
    }

    /// What is sure.
    pub(super) fn committed(&self) -> String {
        text_of(&self.committed)
    }

    /// What follows it, as it seems now.
    pub(super) fn provisional(&self) -> String {
        text_of(&self.provisional)
    }

    /// The tokens of all that is sure.
    pub(super) fn tokens(&self) -> impl Iterator<Item = TokenId> {
        self.committed.iter().flat_map(|word| word.tokens.iter().copied())
    }

    /// The first word stands in the place of the last one that is sure, whatever it is by now.
    fn after_committed(&self, mut words: Vec<TokenizedWord>) -> Vec<TokenizedWord> {
        if !self.committed.is_empty() && !words.is_empty() {
            words.remove(0);
        }
        words
    }
}

fn text_of(words: &[TokenizedWord]) -> String {
    words.iter().map(|word| word.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each word is one token, which is the length of the text before it and itself.
    fn words(text: &str) -> Vec<TokenizedWord> {
        let mut words: Vec<TokenizedWord> = Vec::new();
        for word in text.split_inclusive(' ') {
            let text = format!(" {}", word.trim_end());
            words.push(TokenizedWord { tokens: vec![text.len() as TokenId], text });
        }
        words
    }

    #[test]
    fn what_two_transcripts_agree_on_is_sure() {
        // Each transcript begins with the last word that is sure; then what is sure after it, and what is not.
        for (transcripts, committed, provisional) in [
            (&["so we"][..], "", " so we"),
            (&["so we", "so we meet"], " so we", " meet"),
            (&["so we", "so he meets", "so he met"], " so he", " met"),
            (&["so we", "no we", "so we"], "", " so we"),
            (&["", "so", ""], "", ""),
            (&["so we", "so we meet", "we meet to day"], " so we meet", " to day"),
            // What is sure stays, whatever is heard in its place.
            (&["so we", "so we meet", "he meet to"], " so we meet", " to"),
            (&["so we", "so we meet", ""], " so we", ""),
            (&["so we", "so we meet", "we"], " so we", ""),
            // A comma more is another word.
            (&["so we", "so, we meet", "so, we meet"], " so, we meet", ""),
        ] {
            let mut agreement = Agreement::default();
            let mut before = String::new();
            for transcript in transcripts {
                let n_words = before.matches(' ').count();
                let n_added = agreement.hear(if transcript.is_empty() { Vec::new() } else { words(transcript) });
                let now = agreement.committed();
                assert!(now.starts_with(&before), "{transcripts:?}: {before:?} became {now:?}");
                assert_eq!(n_added, now.matches(' ').count() - n_words, "{transcripts:?}");
                before = now;
            }
            assert_eq!(
                (before.as_str(), agreement.provisional().as_str()),
                (committed, provisional),
                "{transcripts:?}"
            );
        }
    }

    #[test]
    fn the_last_word_that_is_sure_is_said_again() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.opening(), Vec::<TokenId>::new());
        agreement.hear(words("good day all"));
        agreement.hear(words("good day all of you"));
        assert_eq!(agreement.opening(), [5, 4]);
        let mut as_heard = agreement.clone();
        as_heard.settle_as_heard();
        assert_eq!(as_heard.committed(), " good day all of you");
        agreement.settle(words("all of them"));
        assert_eq!((agreement.committed().as_str(), agreement.provisional().as_str()), (" good day all of them", ""));
        assert_eq!(agreement.tokens().collect::<Vec<_>>(), [5, 4, 4, 3, 5]);
    }
}
