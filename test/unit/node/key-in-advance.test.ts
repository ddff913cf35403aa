import { describe, expect, it } from 'vitest'
import { keyInAdvance } from '../../../src/node/ports/key-in-advance.js'

describe('keyInAdvance', () => {
  it('hands out each key once, the one in advance as well', async () => {
    const keys = keyInAdvance('p256')
    const [first, second] = [await keys.generate('p256'), await keys.generate('p256')]
    expect(first.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(first.equals(second)).toBe(false)
  })

  it('makes a key of another kind where that is asked for', async () => {
    const key = await keyInAdvance('p256').generate('rsa2048')
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048)
  })

  it('gives none to who has been interrupted', async () => {
    const reason = new Error('interrupted')
    const key = keyInAdvance('p256').generate('p256', AbortSignal.abort(reason))
    await expect(key).rejects.toBe(reason)
  })
})
