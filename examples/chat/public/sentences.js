/** Codes that the page has its own words for. */
const SENTENCES = {
  ACK_TIMEOUT: 'The server did not answer. Please try again.',
  DISCONNECTED: 'The connection was lost. Please try again.',
  JOIN_REFUSED: 'You are not in this room any more. Please choose one.',
  NAME_IN_USE: 'Somebody here already has this name.',
  OUTBOX_EXPIRED: 'The message could not be sent. Please try again.',
  TRANSPORT_FAILED: 'The server cannot be reached. Please try again.',
}

/** What to tell people about an error: the code decides, else it is the text of the server. */
export function sentenceFor({ code, message }) {
  return SENTENCES[code] ?? `${message[0].toUpperCase()}${message.slice(1)}.`
}
