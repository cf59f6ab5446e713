// The paths of the dashboard's pages. The server answers each with the page's document, the page's router reads
// the same list: a page that is added here is reachable by its link. Without any import, because the browser
// loads this file.

/** Path of each page by the page's name. */
export const pagePaths = {
  overview: '/',
  flows: '/flows',
  events: '/events',
  rules: '/rules',
  nodes: '/nodes',
} as const
