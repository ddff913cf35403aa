import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOk } from '../../../src/myproxy/conversation.js'
import { converse } from '../../../src/myproxy/exchanges/converse.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../support/embedded-myproxy.js'
import { rejectionOf } from '../../support/failure.js'

let grid: EmbeddedGrid

beforeAll(async () => {
  grid = await startEmbeddedGrid({ config: 'request_size_limit 4096\n' })
})
afterAll(() => grid.stop())

/** Sends what no client of ours would, and returns what the server says to it. */
const answerTo = async (...messages: string[]) => {
  const way = { servers: grid.servers, credential: grid.users.alice.credential }
  const failure = await rejectionOf(
    converse(grid.myproxy, way, 'writes', async (channel) => {
      for (const message of ['0', ...messages]) await channel.write(Buffer.from(message, 'latin1'))
      await readOk(channel)
    }),
  )
  return failure.data.serverMessage
}

const REQUEST = 'VERSION=MYPROXYv2\nCOMMAND=2\nUSERNAME=alice\nPASSPHRASE=\nLIFETIME=0\n'

describe('a request that cannot be read', () => {
  it.each([
    ['without a version', 'COMMAND=2\n\0', /^error parsing request a message without VERSION$/],
    [
      'with a name that stands twice',
      `${REQUEST}USERNAME=eve\n\0`,
      /^error parsing request USERNAME stands 2 times/,
    ],
    ['of a command 8', REQUEST.replace('=2', '=8').concat('\0'), /^UNKNOWN command in request\. /],
    ['of no user', REQUEST.replace('alice', '').concat('\0'), /^Invalid user name: ""$/],
  ])('%s is refused as the C server does it, and why', async (_what, message, said) => {
    expect(await answerTo(message)).toMatch(said)
    expect(grid.log.at(-1)?.event).toBe('myproxy-refused')
  })
})

describe('request_size_limit 4096', () => {
  it('refuses a request that makes 4,097 bytes with the byte before it, and says so', async () => {
    const filled = (length: number) => `${REQUEST}X=`.padEnd(length - 1, 'x').concat('\0')
    expect(await answerTo(filled(4095))).toContain('no credentials found')
    expect(await answerTo(filled(4096))).toContain('sent more than 4096 bytes')
    expect(grid.log.at(-1)).toMatchObject({ fields: { code: 'MESSAGE_TOO_LARGE' } })
  })
})
