-- The system counts for people who have streams open what they have not read.
CREATE POLICY system ON rustygpt.marks FOR SELECT USING ((SELECT rustygpt.is_system()));
