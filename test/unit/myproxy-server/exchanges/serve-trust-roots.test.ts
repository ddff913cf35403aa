import { describe, expect, it } from 'vitest'
import { parseResponse } from '../../../../src/myproxy/response.js'
import { encodeOkWithTrustRoots } from '../../../../src/myproxy/server/exchanges/serve-trust-roots.js'
import {
  DEFAULT_SETTINGS,
  type ServerContext,
} from '../../../../src/myproxy/server/server-context.js'
import type { TrustRootFile } from '../../../../src/myproxy/trust-roots.js'

const { signal } = new AbortController()

describe('the CA files that are sent with an answer', () => {
  it('are encoded once for 100 clients that are given the same, and anew for others', async () => {
    let files: readonly TrustRootFile[] = [{ name: '8b33482b.0', content: Buffer.from('a CA') }]
    const trustRoots = { current: async () => files }
    const context = { ...DEFAULT_SETTINGS, trustRoots } as unknown as ServerContext
    const asked = { username: 'x', passPhrase: '', lifetimeSeconds: 0, trustedCertificates: '1' }
    const answer = () => encodeOkWithTrustRoots(context, { command: 'get', ...asked }, signal)

    const answers = await Promise.all(Array.from({ length: 100 }, answer))
    expect(new Set(answers).size).toBe(1)
    expect(parseResponse(await answer())).toMatchObject({ kind: 'ok', trustRoots: files })
    files = [{ name: '8b33482b.0', content: Buffer.from('another') }]
    expect(parseResponse(await answer())).toMatchObject({ kind: 'ok', trustRoots: files })
  })
})
