//! Which published wav2vec2 model aligns words in which language, by its name on Hugging Face. Whether it is here, and
//! where, is not known to this file.

/// The table of whisperX 3.8.6 (`DEFAULT_ALIGN_MODELS_HF`, `DEFAULT_ALIGN_MODELS_TORCH`), by language code.
///
/// For the first five, whisperX takes the bundles of torchaudio (`WAV2VEC2_ASR_BASE_960H`,
/// `VOXPOPULI_ASR_BASE_10K_{FR,DE,ES,IT}`); here are the same networks as their authors published them on Hugging Face.
pub(super) const ALIGNERS: [(&str, &str); 41] = [
    ("en", "facebook/wav2vec2-base-960h"),
    ("fr", "facebook/wav2vec2-base-10k-voxpopuli-ft-fr"),
    ("de", "facebook/wav2vec2-base-10k-voxpopuli-ft-de"),
    ("es", "facebook/wav2vec2-base-10k-voxpopuli-ft-es"),
    ("it", "facebook/wav2vec2-base-10k-voxpopuli-ft-it"),
    ("ja", "jonatasgrosman/wav2vec2-large-xlsr-53-japanese"),
    ("zh", "jonatasgrosman/wav2vec2-large-xlsr-53-chinese-zh-cn"),
    ("nl", "jonatasgrosman/wav2vec2-large-xlsr-53-dutch"),
    ("uk", "Yehor/wav2vec2-xls-r-300m-uk-with-small-lm"),
    ("pt", "jonatasgrosman/wav2vec2-large-xlsr-53-portuguese"),
    ("ar", "jonatasgrosman/wav2vec2-large-xlsr-53-arabic"),
    ("cs", "comodoro/wav2vec2-xls-r-300m-cs-250"),
    ("ru", "jonatasgrosman/wav2vec2-large-xlsr-53-russian"),
    ("pl", "jonatasgrosman/wav2vec2-large-xlsr-53-polish"),
    ("hu", "jonatasgrosman/wav2vec2-large-xlsr-53-hungarian"),
    ("fi", "jonatasgrosman/wav2vec2-large-xlsr-53-finnish"),
    ("fa", "jonatasgrosman/wav2vec2-large-xlsr-53-persian"),
    ("el", "jonatasgrosman/wav2vec2-large-xlsr-53-greek"),
    ("tr", "mpoyraz/wav2vec2-xls-r-300m-cv7-turkish"),
    ("da", "saattrupdan/wav2vec2-xls-r-300m-ftspeech"),
    ("he", "imvladikon/wav2vec2-xls-r-300m-hebrew"),
    ("vi", "nguyenvulebinh/wav2vec2-base-vi-vlsp2020"),
    ("ko", "kresnik/wav2vec2-large-xlsr-korean"),
    ("ur", "kingabzpro/wav2vec2-large-xls-r-300m-Urdu"),
    ("te", "anuragshas/wav2vec2-large-xlsr-53-telugu"),
    ("hi", "theainerd/Wav2Vec2-large-xlsr-hindi"),
    ("ca", "softcatala/wav2vec2-large-xlsr-catala"),
    ("ml", "gvs/wav2vec2-large-xlsr-malayalam"),
    ("no", "NbAiLab/nb-wav2vec2-1b-bokmaal-v2"),
    ("nn", "NbAiLab/nb-wav2vec2-1b-nynorsk"),
    ("sk", "comodoro/wav2vec2-xls-r-300m-sk-cv8"),
    ("sl", "anton-l/wav2vec2-large-xlsr-53-slovenian"),
    ("hr", "classla/wav2vec2-xls-r-parlaspeech-hr"),
    ("ro", "gigant/romanian-wav2vec2"),
    ("eu", "stefan-it/wav2vec2-large-xlsr-53-basque"),
    ("gl", "ifrz/wav2vec2-large-xlsr-galician"),
    ("ka", "xsway/wav2vec2-large-xlsr-georgian"),
    ("lv", "jimregan/wav2vec2-large-xlsr-latvian-cv"),
    ("tl", "Khalsuu/filipino-wav2vec2-l-xls-r-300m-official"),
    ("sv", "KBLab/wav2vec2-large-voxrex-swedish"),
    ("id", "cahya/wav2vec2-large-xlsr-indonesian"),
];

/// The model that aligns this language, given as Whisper's code; `None` where none is known.
pub fn aligner_of(language: &str) -> Option<&'static str> {
    ALIGNERS.iter().find(|(code, _)| *code == language).map(|(_, model)| *model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_one_aligner_of_a_well_formed_name() {
        for (n, (code, model)) in ALIGNERS.iter().enumerate() {
            assert!(ALIGNERS[..n].iter().all(|(other, _)| other != code), "{code} is listed twice");
            assert_eq!(aligner_of(code), Some(*model));
            assert_eq!(model.split('/').filter(|part| !part.is_empty()).count(), 2, "{model}");
        }
        assert_eq!(aligner_of("haw"), None);
    }
}
