//! LM-BFF's own notation for templates, turned into ours.
//!
//! Ours is what is read: `{a} It was [MASK] .` with `{a}` the text or the first of a pair,
//! `{a:chop}` the same without its last character, `{a:marked}` with markers round its entities,
//! `{b}` the second text, `{b:lower}` with its first letter lower-cased, `{head}` and `{tail}` the
//! entities. A part that is not the first has a
//! leading space for byte-pair tokenizers, unless it is one character long (a comma, a full stop).

use crate::error::{DataError, Result};

/// A template in either notation, in ours: what starts with `*` is LM-BFF's
/// (`*cls**sent_0*_It_was*mask*.*sep+*`), anything else is returned as it is.
///
/// # Errors
/// A piece of LM-BFF's notation that has no counterpart, named.
pub fn normalise(template: &str) -> Result<String> {
    let template = template.trim();
    if !template.starts_with('*') {
        return Ok(template.to_owned());
    }
    let fail = |message: String| {
        Err(DataError::Template {
            template: template.to_owned(),
            message,
        })
    };
    let mut parts: Vec<String> = Vec::new();
    let mut ended = false;
    for piece in template.split('*').filter(|piece| !piece.is_empty()) {
        if ended && !matches!(piece, "sep" | "sep+") {
            return fail(format!(
                "{piece:?} stands after the separator; end the template with it"
            ));
        }
        let part = match piece {
            "cls" => continue,
            "sep" | "sep+" => {
                ended = true;
                continue;
            }
            "mask" => "[MASK]",
            "sent_0" | "+sent_0" => "{a}",
            "sent-_0" | "+sent-_0" => "{a:chop}",
            "sent_1" | "+sent_1" => "{b}",
            "sentl_1" | "+sentl_1" => "{b:lower}",
            _ if looks_like_command(piece) => {
                return fail(format!(
                    "{piece:?} is not supported; known are cls, sep, sep+, mask, sent_0, sent-_0, \
                     sent_1 and sentl_1, with or without +"
                ));
            }
            words => {
                parts.push(words.replace('_', " ").trim().to_owned());
                continue;
            }
        };
        parts.push(part.to_owned());
    }
    parts.retain(|part| !part.is_empty());
    Ok(parts.join(" "))
}

fn looks_like_command(piece: &str) -> bool {
    let bare = piece.strip_prefix('+').unwrap_or(piece);
    [
        "sent_", "sent-_", "sentl_", "sentl-_", "sentu_", "sentu-_", "label_", "labelx_",
    ]
    .iter()
    .any(|command| bare.starts_with(command))
        || piece.starts_with("<extra_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_stays() {
        let ours = "{a} It was [MASK] .";
        assert_eq!(normalise(ours).unwrap(), ours);
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        let error = normalise("*cls**sentu_0**mask*.*sep+*")
            .unwrap_err()
            .to_string();
        assert!(error.contains("sentu_0"), "{error}");
        let error = normalise("*cls**sent_0**sep+**sent_1**mask*")
            .unwrap_err()
            .to_string();
        assert!(error.contains("after the separator"), "{error}");
    }
}
