//! `whisper_random`: encoder, logits, greedy decoding, language detection and the tokenizer.

use std::fs;

use hansard::nn::ComputeType;
use hansard::nn::whisper::generate::{Batch, Decoded, Ending};
use hansard::nn::whisper::{
    DecodeOptions, DecoderState, Encoded, Strategy, Suppression, Task, Timestamps, TokenId, Whisper,
};
use hansard::pipeline::guards::compression_ratio;
use serde_json::Value;

use super::{Golden, assert_close, audio, folder};

pub(super) struct Fixture {
    pub(super) golden: Golden,
    whisper: Whisper,
    encoder_output: Vec<f32>,
}

impl Fixture {
    fn load() -> Self {
        Self::of(Whisper::load(&folder("whisper_random"), ComputeType::F32).expect("the reference model"))
    }

    pub(super) fn of(whisper: Whisper) -> Self {
        let golden = Golden::of("whisper_random");
        let hidden = whisper.encode(&whisper.log_mel(&audio()), &|| false).expect("it computes");
        Self { golden, whisper, encoder_output: hidden.expect("nobody stops it") }
    }

    fn encoded(&self) -> Encoded {
        self.whisper.prepare(&self.encoder_output).expect("it computes")
    }

    fn logits(&self, state: &mut DecoderState, tokens: &[TokenId], positions: &[(usize, usize)]) -> Vec<f32> {
        self.whisper.decode(&mut [(state, tokens)], positions).expect("it computes")
    }

    pub(super) fn options(&self, options: &Value) -> DecodeOptions {
        let tokenizer = self.whisper.tokenizer();
        let flag = |name: &str| options.get(name).and_then(Value::as_bool);
        DecodeOptions {
            language: options["language"]
                .as_str()
                .map(|code| tokenizer.language(code).expect("a language of the model")),
            task: if options["task"] == "translate" { Task::Translate } else { Task::Transcribe },
            timestamps: if flag("without_timestamps") == Some(true) { Timestamps::Without } else { Timestamps::With },
            suppression: if options["suppress_tokens"] == "" { Suppression::None } else { Suppression::AsConfigured },
            previous_text: options["prompt"]
                .as_str()
                .map_or(Vec::new(), |prompt| tokenizer.encode(&format!(" {}", prompt.trim())).expect("text")),
            strategy: options["beam_size"].as_u64().map_or(Strategy::Greedy, |size| Strategy::Beam {
                size: size as usize,
                patience: options["patience"].as_f64().unwrap_or(1.0) as f32,
            }),
            length_penalty: options["length_penalty"].as_f64().map(|exponent| exponent as f32),
            max_new_tokens: options["sample_len"].as_u64().map(|n| n as usize),
            ..DecodeOptions::default()
        }
    }
}

pub(super) fn tokens(value: &Value) -> Vec<TokenId> {
    value.as_array().expect("a list").iter().map(|id| id.as_u64().expect("a token") as TokenId).collect()
}

/// Decodes every item alone or all of them together, in a batch of at most `batch_size`.
pub(super) fn decode(fixture: &Fixture, items: &[DecodeOptions], batch_size: usize) -> Vec<Decoded> {
    let mut results = vec![None; items.len()];
    let mut batch = Batch::new(&fixture.whisper);
    let mut waiting = items.iter().enumerate();
    loop {
        while batch.len() < batch_size
            && let Some((id, options)) = waiting.next()
        {
            batch.admit(id, fixture.encoded(), options);
        }
        if batch.is_empty() {
            return results.into_iter().map(|result| result.expect("every item was decoded")).collect();
        }
        for (id, decoded) in batch.step().expect("it computes") {
            results[id] = Some(decoded);
        }
    }
}

#[test]
fn golden_whisper_random_encoder_and_logits() {
    check_encoder_and_logits(&Fixture::load());
}

pub(super) fn check_encoder_and_logits(fixture: &Fixture) {
    let (expected, _) = fixture.golden.tensor("encoder_output");
    assert_close("encoder_output", &fixture.encoder_output, &expected, 1e-3);

    let prompt: Vec<TokenId> = fixture.golden.tensor("prompt_tokens").0.iter().map(|id| *id as TokenId).collect();
    let (expected, _) = fixture.golden.tensor("prompt_logits");
    let positions: Vec<_> = (0..prompt.len()).map(|n| (0, n)).collect();
    let mut state = DecoderState::new(fixture.encoded());
    let at_once = fixture.logits(&mut state, &prompt, &positions);
    assert_close("prompt_logits", &at_once, &expected, 2e-3);

    let mut state = DecoderState::new(fixture.encoded());
    let one_by_one: Vec<f32> =
        prompt.chunks(1).flat_map(|token| fixture.logits(&mut state, token, &[(0, 0)])).collect();
    assert_close("prompt_logits token by token", &one_by_one, &expected, 2e-3);

    let start = [fixture.whisper.tokenizer().start_of_transcript];
    let mut state = DecoderState::new(fixture.encoded());
    let logits = fixture.logits(&mut state, &start, &[(0, 0)]);
    assert_close("sot_logits", &logits, &fixture.golden.tensor("sot_logits").0, 2e-3);
}

#[test]
fn golden_whisper_random_greedy_and_beam() {
    let fixture = Fixture::load();
    let runs: Vec<(&String, &Value)> = fixture.golden.json["openai"].as_object().expect("the runs").iter().collect();
    assert!(runs.len() >= 2, "only {} runs", runs.len());
    let options: Vec<DecodeOptions> = runs.iter().map(|(_, run)| fixture.options(&run["options"])).collect();
    let alone = decode(&fixture, &options, 1);
    for ((name, run), decoded) in runs.iter().zip(&alone) {
        assert_eq!(decoded.tokens, tokens(&run["tokens"]), "{name}: tokens");
        let text = fixture.whisper.tokenizer().decode(&decoded.tokens);
        assert_eq!(text.trim(), run["text"].as_str().expect("text"), "{name}: text");
        for (what, found, expected, tolerance) in [
            ("compression_ratio", compression_ratio(&text), &run["compression_ratio"], 1e-9),
            ("avg_logprob", decoded.avg_logprob, &run["avg_logprob"], 1e-3),
            ("no_speech_prob", decoded.no_speech_prob, &run["no_speech_prob"], 1e-4),
        ] {
            let expected = expected.as_f64().expect("a number");
            assert!((found - expected).abs() <= tolerance, "{name}: {what} is {found}, expected {expected}");
        }
        assert_eq!(
            decoded.ending == Ending::EndOfText,
            run["stopped_by_eot"].as_bool().expect("a flag"),
            "{name}: ending"
        );
    }
    // Different prompts and lengths side by side: no row may notice its neighbours.
    for batch_size in [2, 3, options.len()] {
        assert_eq!(decode(&fixture, &options, batch_size), alone, "in batches of {batch_size}");
    }
}

#[test]
fn golden_whisper_random_language() {
    let fixture = Fixture::load();
    let found = fixture.whisper.language_probabilities(fixture.encoded()).expect("it computes");
    let order: Vec<&str> = fixture.golden.json["language"]["order"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|code| code.as_str().expect("a code"))
        .collect();
    assert_eq!(found.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), order);
    let probabilities: Vec<f32> = found.iter().map(|(_, probability)| *probability as f32).collect();
    assert_close("language_probs", &probabilities, &fixture.golden.tensor("language_probs").0, 1e-4);
}

#[test]
fn golden_whisper_random_tokenizer() {
    let fixture = Fixture::load();
    let tokenizer = fixture.whisper.tokenizer();
    for case in fixture.golden.json["tokenizer_cases"].as_array().expect("the cases") {
        let text = case["text"].as_str().expect("text");
        let ids = tokens(&case["ids"]);
        assert_eq!(tokenizer.encode(text).expect("text"), ids, "{text}");
        assert_eq!(tokenizer.decode(&ids), case["decoded"].as_str().expect("text"));
    }
    let special = fixture.golden.json["special_token_ids"].as_object().expect("the special tokens");
    for (token, found) in [
        ("<|endoftext|>", tokenizer.end_of_text),
        ("<|startoftranscript|>", tokenizer.start_of_transcript),
        ("<|translate|>", tokenizer.translate.expect("translate")),
        ("<|transcribe|>", tokenizer.transcribe.expect("transcribe")),
        ("<|startofprev|>", tokenizer.start_of_prev),
        ("<|nospeech|>", tokenizer.no_speech.expect("nospeech")),
        ("<|notimestamps|>", tokenizer.no_timestamps),
        ("<|0.00|>", tokenizer.first_timestamp()),
        ("<|en|>", tokenizer.language("en").expect("en")),
    ] {
        assert_eq!(u64::from(found), special[token].as_u64().expect("an id"), "{token}");
    }
    let everything: Vec<TokenId> = (tokenizer.end_of_text..fixture.whisper.config().vocab_size as TokenId).collect();
    assert_eq!(tokenizer.decode(&everything), "", "special tokens are no text");
}

/// The vocabulary of the published English-only models has the tokens of all languages, but the models never saw them.
#[test]
fn english_only_models_are_not_asked_for_a_language() {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for name in ["config.json", "tokenizer.json", "preprocessor_config.json", "model.safetensors"] {
        fs::copy(folder("whisper_random").join(name), copy.path().join(name)).expect("the reference model");
    }
    let text = fs::read_to_string(folder("whisper_random").join("generation_config.json")).expect("the configuration");
    let mut generation: Value = serde_json::from_str(&text).expect("JSON");
    for (is_multilingual, knows_languages) in
        [(Value::Bool(true), true), (Value::Null, true), (Value::Bool(false), false)]
    {
        generation["is_multilingual"] = is_multilingual;
        fs::write(copy.path().join("generation_config.json"), generation.to_string()).expect("a writable folder");
        let whisper = Whisper::load(copy.path(), ComputeType::F32).expect("a whole model");
        assert_eq!(!whisper.tokenizer().languages().is_empty(), knows_languages, "{}", generation["is_multilingual"]);
    }
}
