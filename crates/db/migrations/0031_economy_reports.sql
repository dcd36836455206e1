-- The daily economy report gains velocity and concentration.

ALTER TABLE economy.daily_reports
    ADD COLUMN velocity double precision NOT NULL DEFAULT 0,
    ADD COLUMN top10_share double precision NOT NULL DEFAULT 0,
    ADD COLUMN gini double precision NOT NULL DEFAULT 0,
    ADD CONSTRAINT ck_daily_reports_ratios
        CHECK (velocity >= 0 AND top10_share BETWEEN 0 AND 1 AND gini BETWEEN 0 AND 1);
COMMENT ON COLUMN economy.daily_reports.velocity IS
    'Bytes that people passed on or spent that day, per byte in circulation at its end; 0 when nothing circulates.';
COMMENT ON COLUMN economy.daily_reports.top10_share IS
    'Share, 0 to 1, of what circulates that the ten richest people hold at the end of the day.';
COMMENT ON COLUMN economy.daily_reports.gini IS
    'Gini coefficient, 0 to 1, among those who hold anything at the end of the day: 0 when all hold the same.';
