from django.http import HttpResponse
from django.template import engines
from django.urls import path

from .models import Town

PAGE = "{% for town in towns %}{{ town.name|upper }} {{ town.since }};{% endfor %}"


def page(request):
    towns = Town.objects.order_by("name")
    return HttpResponse(engines["django"].from_string(PAGE).render({"towns": towns}))


urlpatterns = [path("", page)]
