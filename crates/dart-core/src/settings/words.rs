//! Values of settings that are words: no limits are about them.

use super::limits::Limited;
use super::precision::Precision;
use crate::device::DeviceChoice;
use crate::method::{
    Embeddings, FluencyLabels, FluencyMask, LabelKind, LabelPieces, PromptEncoderKind, RowInit,
    TemplateKind, TrainPart,
};

macro_rules! no_number {
    ($($type:ty)*) => {
        $(impl Limited for $type {
            fn number(&self) -> Option<f64> {
                None
            }
        })*
    };
}

no_number! {
    bool String
    TemplateKind LabelKind RowInit LabelPieces PromptEncoderKind TrainPart Embeddings
    FluencyLabels FluencyMask Precision DeviceChoice
}
