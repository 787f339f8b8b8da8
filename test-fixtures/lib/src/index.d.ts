export declare function slug(title: string, options?: { readonly locale?: string }): string;
