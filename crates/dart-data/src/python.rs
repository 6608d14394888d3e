//! A Python dictionary of texts, as `print` or `json.dumps` writes it.

use std::str::Chars;

/// The pairs of a flat dictionary such as `{'0': "don't", 1: 'great'}`, in its order; `None` where
/// the text is none. Keys and values are string literals, or bare where they need no quotes.
pub(crate) fn dictionary(text: &str) -> Option<Vec<(String, String)>> {
    let mut rest = text.trim().strip_prefix('{')?.trim_start();
    let mut pairs = Vec::new();
    while !rest.starts_with('}') {
        let (key, after) = item(rest, ':')?;
        let (value, after) = item(after.strip_prefix(':')?.trim_start(), ',')?;
        pairs.push((key, value));
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.starts_with('}') => after,
            None => return None,
        };
    }
    (rest == "}").then_some(pairs)
}

/// A literal or bare item, and what follows it and white space; a bare one ends before `end` or
/// the dictionary's end.
fn item(text: &str, end: char) -> Option<(String, &str)> {
    let (item, after) = match text.chars().next()? {
        quote @ ('\'' | '"') => literal(&text[1..], quote)?,
        _ => {
            let at = text.find([end, '}']).unwrap_or(text.len());
            let bare = text[..at].trim();
            if bare.is_empty() {
                return None;
            }
            (bare.to_owned(), &text[at..])
        }
    };
    Some((item, after.trim_start()))
}

/// A string literal whose opening quote is read, and what follows it.
fn literal(text: &str, quote: char) -> Option<(String, &str)> {
    let (mut rest, mut value) = (text.chars(), String::new());
    loop {
        match rest.next()? {
            '\\' => escape(&mut rest, &mut value)?,
            c if c == quote => return Some((value, rest.as_str())),
            c => value.push(c),
        }
    }
}

/// Reads what stands after a backslash, by Python's rules (a character by its name, `\N{…}`, apart).
fn escape(rest: &mut Chars, value: &mut String) -> Option<()> {
    let first = rest.next()?;
    let c = match first {
        '\n' => return Some(()),
        '\\' | '\'' | '"' => first,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '0'..='7' => {
            let more = rest.as_str().bytes().take(2);
            let more = more.take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let octal = digits(rest, more, 8).unwrap_or(0);
            char::from_u32(first.to_digit(8)? << (3 * more) | octal)?
        }
        'x' => char::from_u32(digits(rest, 2, 16)?)?,
        'u' => match digits(rest, 4, 16)? {
            // JSON writes a character beyond 16 bits as two.
            high @ 0xd800..0xdc00 => {
                *rest = rest.as_str().strip_prefix("\\u")?.chars();
                let pair = [high as u16, digits(rest, 4, 16)? as u16];
                char::decode_utf16(pair).next()?.ok()?
            }
            code => char::from_u32(code)?,
        },
        'U' => char::from_u32(digits(rest, 8, 16)?)?,
        'N' => return None,
        other => {
            value.push('\\');
            other
        }
    };
    value.push(c);
    Some(())
}

/// The number that the next `count` digits are.
fn digits(rest: &mut Chars, count: usize, radix: u32) -> Option<u32> {
    let (digits, after) = rest.as_str().split_at_checked(count)?;
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    *rest = after.chars();
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(literal: &str) -> Option<String> {
        let pairs = dictionary(&format!("{{{literal}: {literal}}}"))?;
        let [(key, value)] = pairs.as_slice() else {
            return None;
        };
        assert_eq!(key, value);
        Some(value.clone())
    }

    /// `repr` and `json.dumps` of Python 3.
    #[test]
    fn literals_are_read_as_python_reads_them() {
        for (literal, text) in [
            (r#"'great'"#, "great"),
            (r#""don't""#, "don't"),
            (r#"'say "do"'"#, "say \"do\""),
            (r#"'don\'t "do"'"#, "don't \"do\""),
            (r#""don't \"do\"""#, "don't \"do\""),
            (r#"'a, b: {c}'"#, "a, b: {c}"),
            (r#"'back\\slash\\'"#, "back\\slash\\"),
            (r#"'tab\tline\nend'"#, "tab\tline\nend"),
            (r#"'\xe9\u00e9\U0001f600é'"#, "éé😀é"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#"'\101\0\7x'"#, "A\0\x07x"),
            (r#"'\d\w'"#, "\\d\\w"),
            ("'one \\\nline'", "one line"),
            ("''", ""),
        ] {
            assert_eq!(one(literal).as_deref(), Some(text), "{literal}");
        }
        for literal in [
            r#"'don't'"#,
            r#"'no end"#,
            r#"'no end\'"#,
            r#"'\x1'"#,
            r#"'\u+0e9'"#,
            r#"'\ud83d'"#,
            r#"'\ud83d\u0041'"#,
            r#"'\U00110000'"#,
            r#"'\N{DIGIT ONE}'"#,
            "",
        ] {
            assert_eq!(one(literal), None, "{literal}");
        }
    }

    #[test]
    fn dictionaries_are_flat() {
        let pairs = |text| {
            let pairs = dictionary(text)?;
            Some(pairs.into_iter().map(|(key, value)| key + "=" + &value))
                .map(|pairs| pairs.collect::<Vec<_>>().join(" "))
        };
        for (text, read) in [
            (r#"{0: "Abstract", -1: 'Entity'}"#, "0=Abstract -1=Entity"),
            (r#"{'negative': 'bad'}"#, "negative=bad"),
            (" {'a' :'b' ,\n c: d,} ", "a=b c=d"),
            ("{}", ""),
        ] {
            assert_eq!(pairs(text).as_deref(), Some(read), "{text}");
        }
        for text in [
            "",
            "{",
            "{'a'}",
            "{'a': }",
            "{: 'a'}",
            "{'a': 'b' 'c': 'd'}",
            "{'a': 'b'",
            "{'a': 'b'}, 'c'",
            "{'a': {'b': 'c'}}",
            "['a', 'b']",
        ] {
            assert_eq!(pairs(text), None, "{text}");
        }
    }
}
