//! Values of settings that are words: no limits are about them.

use super::limits::Limited;
use super::precision::Precision;
use super::schedule::{Count, DecayedEmbeddings, Schedule, Ties};
use crate::device::DeviceChoice;
use crate::method::{
    BiasInit, Embeddings, FluencyLabels, FluencyMask, FluencyMean, FluencyPass, FluencySoftmax,
    FluencyTrains, FluencyWeight, LabelKind, LabelPieces, Places, PromptEncoderKind, RowInit,
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
    Places BiasInit
    FluencyLabels FluencyMask FluencyPass FluencyMean FluencyWeight FluencySoftmax FluencyTrains
    Precision DeviceChoice
    Schedule Count Ties DecayedEmbeddings
}
