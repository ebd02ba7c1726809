-- Whether a message asks for an answer of the assistant: only one with the role `user`; in the mode
-- `always` every one, in the mode `mention` one that contains the word @assistant. No other code
-- decides this.
CREATE OR REPLACE FUNCTION rustygpt.wants_answer(_mode text, _role text, _content text)
RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT _role = 'user' AND (_mode = 'always' OR (_mode = 'mention'
    AND _content ~* '(^|[^[:alnum:]_@.])@assistant($|[^[:alnum:]_])'))
$$;
