//! The example campaign, at a demo's pace.

use campaigns::authoring::{self, Bundle};

use super::{DURATION_HOURS, RELEASE_DELAY_MINUTES};
use crate::failure::{Code, Failure, OrFail as _};

pub(super) fn read() -> Result<Bundle, Failure> {
    let mut bundle = authoring::example().or_fail(Code::Unavailable)?;
    bundle.campaign.release_delay_minutes = RELEASE_DELAY_MINUTES;
    bundle.campaign.duration_hours = DURATION_HOURS;
    bundle.campaign.freeze_minutes = 0;
    Ok(bundle)
}
