// A component that is drawn again only when one of its properties changed. Never keep an element in `useMemo`
// instead: an element points to its parent, so a kept one holds the whole page as it was when it was made, and
// elements kept at different times hold each other: the page of every moment since it was opened.

import { Component, type ComponentType } from 'preact'

/** `Inner`, drawn again only when a property is another one than before. */
export function still<P extends object>(Inner: ComponentType<P>): ComponentType<P> {
  return class Still extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const before: P = this.props
      const names = Object.keys({ ...before, ...next }) as (keyof P)[]
      return names.some((name) => !Object.is(before[name], next[name]))
    }

    override render() {
      return <Inner {...this.props} />
    }
  }
}
