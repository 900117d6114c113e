//! Looking for marked words in bytes, files and folders.

use std::fs;
use std::path::Path;

/// Words that must occur nowhere.
pub struct Marks {
    words: Vec<Vec<u8>>,
    /// Indices of words by their first two bytes.
    by_beginning: Vec<Vec<usize>>,
    shortest: usize,
}

impl Marks {
    /// Looks for these words.
    pub fn new(words: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut marks = Self { words: Vec::new(), by_beginning: vec![Vec::new(); 1 << 16], shortest: usize::MAX };
        for word in words {
            assert!(word.len() >= 4, "a mark of {} bytes would be found by chance", word.len());
            marks.shortest = marks.shortest.min(word.len());
            marks.by_beginning[beginning(&word)].push(marks.words.len());
            marks.words.push(word);
        }
        assert!(!marks.words.is_empty(), "there is nothing to look for");
        marks
    }

    /// The first mark in these bytes, and where it is.
    pub fn find(&self, bytes: &[u8]) -> Option<(usize, String)> {
        let last = bytes.len().checked_sub(self.shortest)?;
        (0..=last).find_map(|at| {
            let words = &self.by_beginning[beginning(&bytes[at..])];
            let found = words.iter().find(|word| bytes[at..].starts_with(&self.words[**word]));
            found.map(|word| (at, String::from_utf8_lossy(&self.words[*word]).into_owned()))
        })
    }

    /// Panics when a mark is in these bytes.
    pub fn assert_absent(&self, place: &str, bytes: &[u8]) {
        if let Some((at, word)) = self.find(bytes) {
            panic!("{place} holds {word:?} at byte {at}");
        }
    }

    /// Panics when a mark is in a file of this folder, or in a file's name. Returns how many bytes were looked at.
    pub fn assert_absent_below(&self, folder: &Path) -> u64 {
        let mut looked_at = 0;
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            self.assert_absent("a file's name", path.as_os_str().as_encoded_bytes());
            looked_at += if path.is_dir() {
                self.assert_absent_below(&path)
            } else {
                let bytes = fs::read(&path).expect("the file can be read");
                self.assert_absent(&path.display().to_string(), &bytes);
                bytes.len() as u64
            };
        }
        looked_at
    }
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// A register code in every form in which a program may store it.
pub fn forms_of_code(code: &str) -> Vec<Vec<u8>> {
    let number: u64 = code.parse().expect("a register code is a number");
    vec![code.as_bytes().to_vec(), number.to_le_bytes().to_vec(), number.to_be_bytes().to_vec()]
}
