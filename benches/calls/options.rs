//! The words of a bench's command line.

use super::engine::Try;

/// Gives each `--word VALUE` to `take`, which says whether it knows the word.
pub fn each(mut take: impl FnMut(&str, &str) -> Try<bool>) -> Try<()> {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{word} needs a value"))?;
        if !take(&word, &value)? {
            return Err(format!("{word} is not known").into());
        }
    }
    Ok(())
}
