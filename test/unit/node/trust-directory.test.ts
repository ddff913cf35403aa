import { afterAll, beforeAll, expect, it } from 'vitest'
import { trustFor } from '../../../src/node/compose/trust-directory.js'
import { FakeClock } from '../../support/fake-clock.js'
import { TestAuthority, userName } from '../../support/pki.js'
import { writeTrustDirectory } from '../../support/pki-files.js'
import { makeTemporaryDirectory } from '../../support/temporary-directory.js'

const authority = (name: string) => new TestAuthority({ name: userName(name) })
const [first, second] = [authority('first CA'), authority('second CA')]
let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
beforeAll(async () => {
  temporary = await makeTemporaryDirectory()
})
afterAll(() => temporary.remove())

it('reads of a CA directory what leads to a chain, and after 61 s reads it anew', async () => {
  const directory = await writeTrustDirectory(temporary.path, first)
  const clock = new FakeClock()
  const trust = { directory, allowMissingSigningPolicy: false, allowLegacyProxies: false }
  const anchorsFor = trustFor({ trust }, clock)
  const chainOf = (of: TestAuthority) => of.issueUser('alice').chain

  expect((await anchorsFor(chainOf(first))).certificates).toHaveLength(1)
  await writeTrustDirectory(temporary.path, second)
  expect((await anchorsFor(chainOf(second))).anchorsNamed(second.name)).toEqual([])
  await clock.advance(61_000)
  const anew = await anchorsFor(chainOf(second))
  expect(anew.anchorsNamed(second.name)).toHaveLength(1)
  expect(anew.anchorsNamed(first.name)).toEqual([])
})
