/** Shell patterns on file names, as service scripts write them: `*lcgadmin`. */

/**
 * A test for names that match `pattern` as a whole, where `*` stands for any characters and `?` for
 * one; everything else stands for itself.
 *
 * Walks both texts with one place to fall back to, so that no pattern takes more than quadratic
 * time.
 */
export function matchesGlob(pattern: string): (name: string) => boolean {
  return (name) => {
    let [at, star, resume] = [0, -1, 0]
    for (let i = 0; i < name.length; ) {
      if (pattern[at] === '*') {
        star = at++
        resume = i
      } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[i])) {
        at++
        i++
      } else if (star >= 0) {
        at = star + 1
        i = ++resume
      } else {
        return false
      }
    }
    return /^\**$/.test(pattern.slice(at))
  }
}
