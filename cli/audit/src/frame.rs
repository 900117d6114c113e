//! Frames of an export: what is on the disk, and nothing of what it means. README.md tells strangers the same.

use std::io::{self, Read, Write};

/// The first bytes of every export.
pub const MAGIC: [u8; 16] = *b"KEIS/export/001\n";
/// Bytes before a frame's content.
pub const FRAME_HEAD: usize = 44;
/// Most bytes of a frame's content, unpacked; a bound for readers, far above what a writer makes.
pub const MOST_PLAIN: usize = 32 << 20;
/// Most bytes of a frame's content on the disk: what does not shrink may grow a little.
const MOST_PACKED: usize = MOST_PLAIN + (1 << 20);
const LEVEL: i32 = 3;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the export is of; the first frame.
    Head,
    /// Blocks with their certificates.
    Blocks,
    /// Public documents.
    Documents,
    /// Extent and index; the last frame.
    Foot,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Head, Self::Blocks, Self::Documents, Self::Foot];

    fn number(self) -> u32 {
        match self {
            Self::Head => 1,
            Self::Blocks => 2,
            Self::Documents => 3,
            Self::Foot => 4,
        }
    }
}

/// Why bytes are no sound frame.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// The medium failed; says nothing about the export.
    #[error("the file cannot be read at byte {offset}")]
    Read {
        /// Where.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The file ends within a frame.
    #[error("the file ends within the frame at byte {offset}")]
    Torn {
        /// Where the frame begins.
        offset: u64,
    },
    /// The file ends without its last frame: the export was not finished.
    #[error("the file ends at byte {offset} without its last frame; the export was not finished")]
    Unfinished {
        /// Where it ends.
        offset: u64,
    },
    /// A byte of the frame, or one before it, was changed.
    #[error("the checksum of the frame at byte {offset} does not hold")]
    Checksum {
        /// Where the frame begins.
        offset: u64,
    },
    /// The frame is what it was written as, but no frame of an export.
    #[error("the frame at byte {offset} is malformed: {what}")]
    Malformed {
        /// Where the frame begins.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Bytes follow the last frame.
    #[error("bytes follow the last frame at byte {offset}")]
    Trailing {
        /// Where they begin.
        offset: u64,
    },
}

/// The checksum of a frame covers the checksum before it, so no frame can be left out, doubled or moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain([u8; 32]);

impl Chain {
    /// The chain before the first frame.
    pub fn start() -> Self {
        Self(*blake3::hash(&MAGIC).as_bytes())
    }

    fn next(self, head: &[u8; 12], packed: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(head).update(packed);
        Self(*hasher.finalize().as_bytes())
    }
}

/// Writes one frame; says how long it is.
///
/// # Errors
/// When the medium refuses.
pub fn write(out: &mut impl Write, chain: &mut Chain, kind: Kind, plain: &[u8]) -> io::Result<u64> {
    let packed = zstd::bulk::compress(plain, LEVEL)?;
    let mut head = [0; 12];
    head[..4].copy_from_slice(&kind.number().to_le_bytes());
    head[4..8].copy_from_slice(&length(packed.len())?.to_le_bytes());
    head[8..].copy_from_slice(&length(plain.len())?.to_le_bytes());
    let next = chain.next(&head, &packed);
    let frame = [head.as_slice(), &next.0, &packed].concat();
    out.write_all(&frame)?;
    *chain = next;
    Ok(frame.len() as u64)
}

fn length(bytes: usize) -> io::Result<u32> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a frame's content is longer than a frame may be");
    u32::try_from(bytes).ok().filter(|_| bytes <= MOST_PACKED).ok_or_else(too_long)
}

/// A frame that was read.
pub struct Frame {
    /// What it holds.
    pub kind: Kind,
    /// Its content, unpacked.
    pub plain: Vec<u8>,
    /// Where it begins.
    pub offset: u64,
}

/// Reads frames one after the other.
pub struct Frames<R> {
    input: R,
    offset: u64,
    chain: Chain,
}

impl<R: Read> Frames<R> {
    /// The frames after the magic, which has been read.
    pub fn after_magic(input: R) -> Self {
        Self { input, offset: MAGIC.len() as u64, chain: Chain::start() }
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The chain up to the next frame.
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// The next frame; `None` where the file ends between two.
    ///
    /// # Errors
    /// [`Flaw`] when the bytes are no sound frame.
    pub fn next(&mut self) -> Result<Option<Frame>, Flaw> {
        let offset = self.offset;
        let head = self.take(FRAME_HEAD)?;
        if head.is_empty() {
            return Ok(None);
        }
        let torn = || Flaw::Torn { offset };
        let (numbers, checksum) = head.split_first_chunk::<12>().ok_or_else(torn)?;
        let checksum: [u8; 32] = checksum.try_into().map_err(|_| torn())?;
        let number = |at: usize| u32::from_le_bytes([numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]]);
        let (packed, plain) = (number(4) as usize, number(8) as usize);
        // Lengths are believed up to a bound before the checksum can tell.
        if packed > MOST_PACKED || plain > MOST_PLAIN {
            return Err(Flaw::Checksum { offset });
        }
        let body = self.take(packed)?;
        if body.len() != packed {
            return Err(torn());
        }
        let next = self.chain.next(numbers, &body);
        if next.0 != checksum {
            return Err(Flaw::Checksum { offset });
        }
        let malformed = |what| Flaw::Malformed { offset, what };
        let kind = Kind::ALL.into_iter().find(|kind| kind.number() == number(0));
        let kind = kind.ok_or(malformed("its kind is unknown"))?;
        let content = zstd::bulk::decompress(&body, plain).map_err(|_| malformed("its content cannot be unpacked"))?;
        if content.len() != plain {
            return Err(malformed("its content has another length"));
        }
        self.chain = next;
        self.offset = offset + (FRAME_HEAD + packed) as u64;
        Ok(Some(Frame { kind, plain: content, offset }))
    }

    /// Whether nothing follows.
    ///
    /// # Errors
    /// [`Flaw::Trailing`] when something does.
    pub fn end(&mut self) -> Result<(), Flaw> {
        let offset = self.offset;
        if self.take(1)?.is_empty() { Ok(()) } else { Err(Flaw::Trailing { offset }) }
    }

    /// So many bytes, or fewer at the end of the file.
    fn take(&mut self, count: usize) -> Result<Vec<u8>, Flaw> {
        let mut bytes = Vec::with_capacity(count);
        let mut input = Read::take(&mut self.input, count as u64);
        input.read_to_end(&mut bytes).map_err(|source| Flaw::Read { offset: self.offset, source })?;
        Ok(bytes)
    }
}
