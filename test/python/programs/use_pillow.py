"""Draws, resizes, and encodes in three formats."""
import io
from PIL import Image, ImageDraw, ImageFilter

image = Image.new("RGB", (64, 48), "navy")
ImageDraw.Draw(image).ellipse((8, 8, 40, 40), fill="gold")
for form in ["PNG", "JPEG", "WEBP"]:
    kept = io.BytesIO()
    image.resize((32, 24)).filter(ImageFilter.BLUR).save(kept, form)
    again = Image.open(io.BytesIO(kept.getvalue()))
    print(form, again.size, again.getpixel((0, 0))[2] > again.getpixel((12, 12))[2])
