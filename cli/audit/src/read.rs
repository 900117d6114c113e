//! Reading an export part by part. What is read is what was written; whether it is lawful, others judge.

use std::io::Read;

use keis_ledger::codec;
use keis_ledger::ids::DocumentId;

use crate::content::{Entry, Extent, Foot, Head, IndexEntry, VERSION};
use crate::frame::{Chain, Flaw, Frame, Frames, Kind, MAGIC};

/// A part of an export.
pub enum Part {
    /// Consecutive blocks.
    Blocks(Vec<Entry>),
    /// Documents with their ids.
    Documents(Vec<(DocumentId, Vec<u8>)>),
    /// The end; nothing follows.
    End(Foot),
}

/// Why bytes are no export that can be read.
#[derive(Debug, thiserror::Error)]
pub enum Opening {
    /// They do not begin as one.
    #[error("the file is no export")]
    NotAnExport,
    /// Of another version.
    #[error("the export is of version {0}; this program reads version {VERSION}")]
    Version(u32),
    /// The first frame is not sound.
    #[error(transparent)]
    Flaw(#[from] Flaw),
}

/// Reads an export from its beginning to its end.
pub struct Reader<R> {
    frames: Frames<R>,
    head: Head,
    extent: Extent,
    index: Vec<IndexEntry>,
}

impl<R: Read> Reader<R> {
    /// Reads the beginning.
    ///
    /// # Errors
    /// [`Opening`] when it is not an export's.
    pub fn open(mut input: R) -> Result<Self, Opening> {
        let mut magic = Vec::new();
        let mut first = Read::take(&mut input, MAGIC.len() as u64);
        first.read_to_end(&mut magic).map_err(|source| Flaw::Read { offset: 0, source })?;
        if magic != MAGIC {
            let torn = MAGIC.starts_with(&magic);
            return Err(if torn { Flaw::Torn { offset: 0 }.into() } else { Opening::NotAnExport });
        }
        let mut frames = Frames::after_magic(input);
        let offset = frames.offset();
        let frame = frames.next()?.ok_or(Flaw::Unfinished { offset })?;
        let malformed = |what| Flaw::Malformed { offset, what };
        if frame.kind != Kind::Head {
            return Err(malformed("the first frame is not the head").into());
        }
        // The version stands first, whatever later versions put behind it.
        if let Some(version) = frame.plain.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
            && version != VERSION
        {
            return Err(Opening::Version(version));
        }
        let head = Head::decode(&frame.plain).map_err(|_| malformed("the head cannot be read"))?;
        Ok(Self { frames, head, extent: Extent::new(head.from), index: Vec::new() })
    }

    /// What the export is of.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The checksums' chain and the offset of the next frame.
    pub fn position(&self) -> (Chain, u64) {
        (self.frames.chain(), self.frames.offset())
    }

    /// The next part. Nothing may be asked after [`Part::End`].
    ///
    /// # Errors
    /// [`Flaw`] when the file is not what was written.
    pub fn part(&mut self) -> Result<Part, Flaw> {
        let Some(Frame { kind, plain, offset }) = self.frames.next()? else {
            return Err(Flaw::Unfinished { offset: self.frames.offset() });
        };
        let malformed = |what| Flaw::Malformed { offset, what };
        match kind {
            Kind::Head => Err(malformed("a second head")),
            Kind::Blocks => {
                let entries = Entry::decode_all(&plain).map_err(|_| malformed("its blocks cannot be read"))?;
                let first = entries.first().ok_or(malformed("a frame of no blocks"))?;
                self.index.push((offset, first.height));
                self.extent.blocks += entries.len() as u64;
                Ok(Part::Blocks(entries))
            }
            Kind::Documents => {
                let documents: Vec<_> = codec::decode(&plain).map_err(|_| malformed("its documents cannot be read"))?;
                self.extent.documents += documents.len() as u64;
                Ok(Part::Documents(documents))
            }
            Kind::Foot => {
                let foot = Foot::decode(&plain).map_err(|_| malformed("the end cannot be read"))?;
                let same = Extent { tip: foot.extent.tip, ..self.extent } == foot.extent;
                if !same || foot.index != self.index {
                    return Err(malformed("the end does not tell what the file holds"));
                }
                self.frames.end()?;
                Ok(Part::End(foot))
            }
        }
    }
}
