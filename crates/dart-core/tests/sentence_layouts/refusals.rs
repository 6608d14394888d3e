//! Encoders that are not computed are refused by name.

use super::*;

fn refused(name: &str, prompt: Option<&str>, file: &str, how: impl Fn(&mut Value)) -> String {
    let dir = folder(name);
    change(dir.path(), file, how);
    let error = Layout::read(dir.path(), prompt).err().unwrap().to_string();
    assert!(error.contains(&*dir.path().to_string_lossy()), "{error}");
    error
}

#[test]
fn what_is_not_computed_is_refused_by_name() {
    let module = |i: usize, class: &str| {
        let class = class.to_owned();
        move |m: &mut Value| m[i]["type"] = class.clone().into()
    };
    let pooling = "1_Pooling/config.json";
    let settings = "sentence_bert_config.json";
    let prompts = "config_sentence_transformers.json";
    let dense = "2_Dense/config.json";
    let set = |key: &str, value: Value| {
        let key = key.to_owned();
        move |m: &mut Value| m[key.as_str()] = value.clone()
    };
    let mpnet = |file: &str, how: &dyn Fn(&mut Value)| refused("mpnet", None, file, how);
    let labse = |file: &str, how: &dyn Fn(&mut Value)| refused("bert-dense", None, file, how);
    let cnn = "sentence_transformers.models.CNN";
    for (error, wanted) in [
        (
            mpnet("modules.json", &module(2, cnn)),
            "module `CNN` is not supported",
        ),
        (
            mpnet("modules.json", &module(1, "own.Pooling")),
            "module `own.Pooling`",
        ),
        (
            mpnet(
                "modules.json",
                &module(0, "sentence_transformers.models.Pooling"),
            ),
            "wanted: Transformer, Pooling",
        ),
        (
            mpnet(
                "modules.json",
                &module(2, "sentence_transformers.models.Pooling"),
            ),
            "second `Pooling`",
        ),
        (
            mpnet("modules.json", &|m| m[0]["path"] = "0_Transformer".into()),
            "stands in `0_Transformer`",
        ),
        (
            mpnet("modules.json", &|m| m[1]["path"] = "../x".into()),
            "not the name of a folder",
        ),
        (
            mpnet("modules.json", &|m| m[1]["path"] = "x".into()),
            "no x/config.json",
        ),
        (mpnet("modules.json", &|m| *m = json!({})), "modules.json"),
        (
            mpnet(pooling, &set("pooling_mode", "weightedmean".into())),
            "weightedmean",
        ),
        (
            mpnet(pooling, &set("pooling_mode_lasttoken", true.into())),
            "pooling_mode_lasttoken is not supported",
        ),
        (
            mpnet(pooling, &set("word_embedding_dimension", 31.into())),
            "the model's is 32",
        ),
        (
            mpnet(pooling, &set("weights", true.into())),
            "`weights`: true",
        ),
        (
            mpnet(settings, &set("tokenizer_args", json!({"a": 1}))),
            "`tokenizer_args`",
        ),
        (
            mpnet(settings, &set("transformer_task", "fill-mask".into())),
            "`transformer_task`",
        ),
        (
            mpnet(settings, &set("modality_config", json!({"message": {}}))),
            "`modality_config`",
        ),
        (
            mpnet(prompts, &set("model_type", "SparseEncoder".into())),
            "a SparseEncoder",
        ),
        (
            mpnet(prompts, &set("default_prompt_name", "q".into())),
            "no prompt `q`; it has none",
        ),
        (
            labse(
                dense,
                &set(
                    "activation_function",
                    "torch.nn.modules.activation.SiLU".into(),
                ),
            ),
            "activation.SiLU` is not supported",
        ),
        (
            labse(dense, &set("in_features", 47.into())),
            "`in_features` is 47",
        ),
        (
            labse(dense, &set("module_input_name", "token_embeddings".into())),
            "`token_embeddings`",
        ),
        (labse(dense, &set("scale", 1.into())), "`scale`"),
        (
            refused("modernbert", Some("passage"), settings, |_| {}),
            "no prompt `passage`; it has document, query",
        ),
    ] {
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
    let dir = folder("bert-dense");
    let weights = dir.path().join("2_Dense/model.safetensors");
    std::fs::rename(weights, dir.path().join("2_Dense/pytorch_model.bin")).unwrap();
    let layout = Layout::read(dir.path(), None).unwrap();
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let lm = LanguageModel::load_encoder(dir.path()).unwrap();
    let error = SentenceEncoder::new(lm, &tokenizer, &layout).err().unwrap();
    assert!(error.to_string().contains("a pickle"), "{error}");
}
