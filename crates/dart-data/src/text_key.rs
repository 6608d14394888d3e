//! When two texts count as the same.

use sha2::{Digest, Sha256};

/// Lower-cased letters and digits, 0 for other ASCII bytes.
const FOLDED: [u8; 128] = {
    let mut folded = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            folded[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    folded
};

/// Makes `key` the letters and digits of a text or pair (the text itself where it has none), by
/// which texts are compared.
pub(crate) fn text_key(a: &str, b: Option<&str>, key: &mut Vec<u8>) {
    key.clear();
    for (index, text) in std::iter::once(a).chain(b).enumerate() {
        if index > 0 {
            key.push(0);
        }
        if text.is_ascii() {
            let (start, mut end) = (key.len(), 0);
            key.resize(start + text.len(), 0);
            let room = &mut key[start..];
            for byte in text.bytes() {
                let folded = FOLDED[usize::from(byte & 0x7f)];
                room[end] = folded;
                end += usize::from(folded != 0);
            }
            key.truncate(start + end);
        } else {
            let letters = text.chars().filter(|c| c.is_alphanumeric());
            for c in letters.flat_map(char::to_lowercase) {
                key.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    if key.iter().all(|byte| *byte == 0) {
        key.extend(a.trim().as_bytes());
    }
}

/// A hash of the letters and digits of a text or pair, and a percentile from 0 to 99 made of it.
pub(crate) fn text_hash(a: &str, b: Option<&str>) -> ([u8; 16], u64) {
    let mut key = Vec::new();
    text_key(a, b, &mut key);
    let digest = Sha256::digest(&key);
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest[..16]);
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    (hash, u64::from_be_bytes(head) % 100)
}
