import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  HEADER_FLAGS,
  MESSAGE_DEFINITIONS,
  MESSAGE_TYPES,
  negotiateSubprotocol,
  PROTOCOL_VERSION,
  REFUSAL_SUBPROTOCOL,
  SUBPROTOCOL,
} from '../src/index'

/** sha256 of the wire contract, by version. A published version never changes its line. */
const CONTRACTS: Readonly<Record<number, string>> = {
  1: 'e9988f6e3e923ff1659d4fd33fe26745575e6ccbc6e846c9de214da91699edc8',
}

describe('the version', () => {
  it('moves with the wire contract', () => {
    const contract = JSON.stringify({ MESSAGE_DEFINITIONS, MESSAGE_TYPES, HEADER_FLAGS })
    const hash = createHash('sha256').update(contract).digest('hex')
    expect(
      hash,
      'The message definitions have changed. If a peer of the published version would misread or refuse what is new ' +
        '(PROTOCOL.md, "Versions"), raise PROTOCOL_VERSION and add a line to CONTRACTS and to "History"; if not, or if ' +
        'the version is not published yet, put the new hash in its line. Then write new vectors with ' +
        'scripts/make-vectors.ts.',
    ).toBe(CONTRACTS[PROTOCOL_VERSION])
  })

  it('is in the name of the subprotocol', () => {
    expect(SUBPROTOCOL).toBe(`roomcast.v${PROTOCOL_VERSION}`)
  })
})

describe('negotiation of the subprotocol', () => {
  const accept = { kind: 'accept', subprotocol: 'roomcast.v1' }
  const close = { kind: 'close', subprotocol: 'roomcast' }
  const refuse = { kind: 'refuse' }

  it.each([
    [`${SUBPROTOCOL}, ${REFUSAL_SUBPROTOCOL}`, accept],
    ['roomcast.v1', accept],
    ['roomcast,roomcast.v1', accept],
    ['roomcast.v9, roomcast.v1, roomcast', accept],
    ['  roomcast.v1\t,\tother ', accept],
    ['roomcast.v9, roomcast', close],
    ['roomcast', close],
    ['graphql-transport-ws, roomcast', close],
    ['roomcast.v9', refuse],
    ['', refuse],
    [',,', refuse],
    ['Roomcast.V1', refuse],
    ['roomcast.v1.1', refuse],
    ['xroomcast', refuse],
  ])('of "%s" answers %o', (offered, answer) => {
    expect(negotiateSubprotocol(offered)).toEqual(answer)
  })

  it('selects nothing that was not offered', () => {
    for (const offered of ['roomcast.v1', 'roomcast', 'x, roomcast.v1', 'y']) {
      const answer = negotiateSubprotocol(offered)
      if (answer.kind !== 'refuse') expect(offered.split(', ')).toContain(answer.subprotocol)
    }
  })
})
