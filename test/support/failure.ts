/** The error that something fails with, so that a test can look at its code, data and hint. */
import { VoboxError } from '../../src/errors.js'

/** Runs `action`, which must throw a {@link VoboxError}. */
export function failureOf(action: () => unknown): VoboxError {
  try {
    action()
  } catch (error) {
    return asVoboxError(error)
  }
  throw new Error('expected a failure, and there was none')
}

/** Awaits `promise`, which must reject with a {@link VoboxError}. */
export async function rejectionOf(promise: Promise<unknown>): Promise<VoboxError> {
  try {
    await promise
  } catch (error) {
    return asVoboxError(error)
  }
  throw new Error('expected a rejection, and there was none')
}

function asVoboxError(error: unknown): VoboxError {
  if (error instanceof VoboxError) return error
  throw error
}
