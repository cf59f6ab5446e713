// What a reason means and what to do next, in plain words.

export function Explanation({ reason }: { readonly reason: string }) {
  const isNamed = reason !== '' && reason !== 'unknown'
  return (
    <div class="blk">
      <h3>What it means</h3>
      <p class="sm">
        {isNamed
          ? 'This is the name that the running kernel gives the reason.'
          : 'The kernel gave no reason: before Linux 5.17 it knows none. The place in its code says more.'}
      </p>
    </div>
  )
}
